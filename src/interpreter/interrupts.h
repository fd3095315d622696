/*
 * Ctrl-C while Lua runs: an error where the script is, and no sooner than what is on its way can be told of.
 */
#ifndef LP_INTERPRETER_INTERRUPTS_H
#define LP_INTERPRETER_INTERRUPTS_H

#include <lua.h>
#include <stdbool.h>

/*
 * Puts a table into the registry, luaprov.interpreter, by which luaprov's loop says where an error may be raised:
 *
 *   aim(co, patience)  the code of `co` (a coroutine; true: the main thread; nil: the loop) runs from now on. A Ctrl-C
 *                      is an error there after `patience` instructions; nowhere within the loop, which asks.
 *   came()             whether there was a Ctrl-C that the loop has not taken
 *   take()             takes it; true if it is no error anywhere yet
 *   before_end(fn)     fn() is called before a Ctrl-C ends the process from within Lua
 */
void lp_interrupts_open(lua_State *L);

/* From now on the first Ctrl-C raises "interrupted!"; once a script has caught that, the next one ends the process, and
   so does one that comes before the first could be raised. */
void lp_interrupts_begin(lua_State *L);
void lp_interrupts_end(void);

/* Whether "interrupted!" was raised since `lp_interrupts_begin`. */
bool lp_interrupted(void);

#endif
