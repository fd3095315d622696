/*
 * A unix-domain socket by which a thread wakes a program's event loop: the loop hangs it, connects to it in its own way,
 * and has the connection accepted; the thread rings by writing a byte. Private to the driver.
 *
 * There is a path in the file system from hanging to accepting only: for as long as an event loop that cannot be handed
 * a descriptor takes to connect. Whenever the process ends otherwise, nothing of it is left.
 */
#ifndef LP_BELL_H
#define LP_BELL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  int listener;     /* -1: none */
  char folder[128]; /* of nobody else's; "": none */
  char path[160];
} lp_bell;

#define LP_NO_BELL ((lp_bell){.listener = -1})

/* Makes a folder within `folder`, and a socket in it that listens. False, and a message in `why`, when it cannot. */
bool lp_bell_hang(lp_bell *bell, const char *folder, char *why, size_t why_size);

/* The connection that this process has made to it, never waiting; -1 when it has made none. Takes the bell down. */
int lp_bell_accept(lp_bell *bell);

/* Removes what is there. */
void lp_bell_take_down(lp_bell *bell);

#endif
