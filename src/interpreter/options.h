/*
 * The command line, as lua reads it: options up to the first word that is none, then a script or a command.
 */
#ifndef LP_INTERPRETER_OPTIONS_H
#define LP_INTERPRETER_OPTIONS_H

#include <stdbool.h>

/* What lp_option_next returns beside an option's letter: e l i v W E h, P for --providers. */
enum { LP_NO_OPTION = 0, LP_OPTIONS_END = '-', LP_OPTION_UNKNOWN = '?', LP_OPTION_BARE = ':' };

/* The option at argv[*at]; *at moves behind it, unless it is none. `value` is what -e, -l and --providers were given, else NULL.
   A lone `-` is no option (it is the script on standard input); LP_OPTION_BARE lacks its value. */
int lp_option_next(char **argv, int *at, const char **value);

typedef struct lp_options {
  int script;       /* where the script stands in argv; argc when there is none */
  int wrong;        /* where a wrong option stands, else 0 */
  bool bare;        /* the wrong one is known, and lacks its value */
  const char *missing; /* the folder that it names, which is not there */
  bool help, version, interactive, no_environment;
  bool has_code;    /* there is an -e: without a script, standard input is left alone */
} lp_options;

/* A folder that --providers names goes before the others in LUAPROV_PATH. */
lp_options lp_options_read(int argc, char **argv);

#endif
