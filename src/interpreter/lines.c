#include "interpreter/lines.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Loaded rather than linked: linked, it would cost every script its start, and the program would need it. */
static char *(*edit)(const char *prompt);
static void (*remember)(const char *line);

/* POSIX lets dlsym's result be copied into a pointer to a function, C lets nobody cast it. */
static void *find(void *library, const char *name, void *function, size_t size) {
  void *found = dlsym(library, name);
  memcpy(function, &found, size);
  return found;
}

void lp_lines_open(void) {
  static const char *const editors[] = {"libreadline.so.8", "libedit.so.2"};
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return;
  for (size_t i = 0; i < sizeof editors / sizeof *editors; i++) {
    void *library = dlopen(editors[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) continue;
    if (find(library, "readline", &edit, sizeof edit) &&
        find(library, "add_history", &remember, sizeof remember)) {
      const char **name = dlsym(library, "rl_readline_name"); /* for `$if luaprov` in an inputrc */
      if (name) *name = "luaprov";
      return; /* the library stays: it has the terminal in hand until the process ends */
    }
    edit = NULL;
    dlclose(library);
  }
}

char *lp_lines_read(const char *prompt, size_t *len) {
  char *line = NULL;
  if (edit) {
    line = edit(prompt);
    *len = line ? strlen(line) : 0;
    return line;
  }
  size_t room = 0;
  fputs(prompt, stdout);
  fflush(stdout);
  ssize_t got = getline(&line, &room, stdin);
  if (got < 0) {
    free(line);
    return NULL;
  }
  if (got && line[got - 1] == '\n') line[--got] = '\0';
  *len = (size_t)got;
  return line;
}

void lp_lines_remember(const char *line) {
  if (remember && *line) remember(line);
}
