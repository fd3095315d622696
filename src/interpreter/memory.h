/* Lua's memory. */
#ifndef LP_INTERPRETER_MEMORY_H
#define LP_INTERPRETER_MEMORY_H

#include <lua.h>

/*
 * From now on, small blocks of this state come from lists of blocks of their own size, and go back there: most of what a
 * call needs is made and dropped again, and malloc, which libcurl uses at the same time, takes five times as long. What
 * is there already may stay. For one state of the process.
 */
void lp_memory_use(lua_State *L);

#endif
