/*
 * -i: reads a chunk, runs it, prints what it returns, and so on until the end of the input.
 */
#ifndef LP_INTERPRETER_DIALOGUE_H
#define LP_INTERPRETER_DIALOGUE_H

#include <lua.h>

void lp_dialogue(lua_State *L);

#endif
