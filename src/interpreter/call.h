/*
 * Calls from the interpreter into Lua: with a traceback when they fail, and open to Ctrl-C while they run.
 */
#ifndef LP_INTERPRETER_CALL_H
#define LP_INTERPRETER_CALL_H

#include <lua.h>
#include <stdbool.h>

/* Calls the function below its `arguments` on the stack; what is left is the results, or one message. */
int lp_call(lua_State *L, int arguments, int results);

/* The name in front of messages; NULL for none, as in a dialogue. Returns the one before. */
const char *lp_name_program(const char *name);

/* Prints a message to standard error, behind the program's name. */
void lp_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True when `status` is LUA_OK; otherwise the message on the stack is printed and taken away. */
bool lp_succeeded(lua_State *L, int status);

#endif
