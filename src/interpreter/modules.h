/*
 * Where modules come from: lua-cjson is linked in, luaprov's own lie beside the program, the rest where lua finds them.
 */
#ifndef LP_INTERPRETER_MODULES_H
#define LP_INTERPRETER_MODULES_H

#include <lua.h>

/* Opens the standard libraries and makes the others known. */
void lp_modules_open(lua_State *L);

/* Prints luaprov's version and Lua's; curl and the engine stay unloaded. */
void lp_modules_print_version(lua_State *L);

#endif
