/* What the modules of this folder share: values between Lua and a database, and the statements that are prepared. */
#ifndef LP_STORE_SHARE_H
#define LP_STORE_SHARE_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

/* The most parameters that a statement has, the most columns of its rows, and the most statements that stay prepared. */
enum { LP_PARAMS = 64, LP_COLUMNS = 64, LP_STATEMENTS = 64 };

typedef enum { LP_NULL, LP_INTEGER, LP_NUMBER, LP_TEXT, LP_BLOB } lp_param_type;

typedef struct {
  lp_param_type type;
  int64_t integer;
  double number;
  const char *text; /* of LP_TEXT and LP_BLOB; lives as long as the stack holds the argument */
  size_t len;
} lp_param;

/* Reads the arguments from `first` to the last: nil, true and false (1 and 0), numbers, texts, and { blob = bytes }. A
 * number that is no number of a database is an error. Returns how many there are. */
int lp_read_params(lua_State *L, int first, lp_param params[LP_PARAMS]);

/* Pushes an integer; one that this Lua cannot hold exactly as its digits in a string. */
void lp_push_integer(lua_State *L, int64_t value);

/* Pushes the table of a row; what `push` makes of each column, but for nil, goes by the names at `names`, `names` + 1 … */
void lp_push_row(lua_State *L, int names, int columns, void (*push)(lua_State *, void *, int), void *result);

/* nil, message, code. */
int lp_refuse(lua_State *L, const char *message, const char *code);

/* A table of the registry from a statement's text to its number from 1 on. */
int lp_known_new(lua_State *L);
int lp_known_find(lua_State *L, int known, int text); /* 0: not there */
void lp_known_add(lua_State *L, int known, int text, int number);
void lp_known_free(lua_State *L, int known);

typedef struct {
  const char *name;
  lua_CFunction function;
} lp_entry;

/* Puts functions, up to one without a name, into the table on top. */
void lp_set_functions(lua_State *L, const lp_entry *functions);

/* Makes the metatable of a kind of userdata. */
void lp_set_kind(lua_State *L, const char *kind, const lp_entry *methods, const lp_entry *meta);

#endif
