/* Requests and responses between the Lua stack and C: the same for an engine and for a driver. */
#ifndef LP_BINDING_EXCHANGE_H
#define LP_BINDING_EXCHANGE_H

#include <lua.h>

#include "binding/headers.h"
#include "engine/engine.h"

/* The id at `index`; 0 for a number that is none. */
lp_id lp_read_id(lua_State *L, int index);

/* A number of seconds as whole milliseconds, rounded up: 0.0001 s is some time, not none. */
long lp_milliseconds(lua_Number seconds);

/* Reads of the table at 2 what may be the same for many requests: method, keep_url, headers ({ name = value } with the
 * names as a list in `order`; without that, names and values in turn), connect_timeout (seconds), limit (bytes). It points
 * into `few` and what lies on the stack then: the table's strings. */
void lp_read_head(lua_State *L, lp_request *request, lp_header few[LP_FEW_HEADERS]);

/* Reads the whole request at 2: that, or what stands in its place in `prepared` (see lp_push_prepare); url, body, timeout
 * (seconds); route, a table with ca_file, client_certificate, client_key, client_key_password, proxy, insecure,
 * connections as in lp_transport. */
void lp_read_request(lua_State *L, lp_request *request, lp_header few[LP_FEW_HEADERS]);

/* Pushes a table: outcome, failure (false, if it has not failed) and message, status, headers, body, http, proxy (its host and port, if
 * there was one). */
void lp_push_response(lua_State *L, const lp_response *response);

/* Reads the table at 1, if there is one: { per_host = transfers at once to one origin, ca_file = PEM file }. */
void lp_read_engine_options(lua_State *L, lp_engine_options *options);

#endif
