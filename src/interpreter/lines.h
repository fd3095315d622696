/*
 * Lines from whoever sits at the terminal: through readline or libedit when one of them is installed, plainly otherwise.
 */
#ifndef LP_INTERPRETER_LINES_H
#define LP_INTERPRETER_LINES_H

#include <stddef.h>

/* Looks for a line editor; does nothing unless both ends are a terminal. */
void lp_lines_open(void);

/* The next line without its end, for the caller to free; NULL at the end of the input or out of memory. */
char *lp_lines_read(const char *prompt, size_t *len);

/* For the arrow keys. */
void lp_lines_remember(const char *line);

#endif
