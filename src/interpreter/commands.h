/*
 * `luaprov WORD …`: luaprov.cli says whether WORD is a command, and does it.
 */
#ifndef LP_INTERPRETER_COMMANDS_H
#define LP_INTERPRETER_COMMANDS_H

#include <lua.h>
#include <stdbool.h>

/* A name without a folder and without an ending, so that it may have been meant as a command. */
bool lp_command_like(const char *word);

/* True when `word` was a command, or when nobody can tell because luaprov.cli is broken; `code` is the exit code then.
   `argv` is what stands after the word. */
bool lp_command_run(lua_State *L, const char *word, char **argv, int *code);

/* Says that there is no such command, and which one is near. */
void lp_command_unknown(lua_State *L, const char *word);

/* Prints the commands that there are, a line each. */
void lp_command_list(lua_State *L);

#endif
