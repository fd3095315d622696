#include "interpreter/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int lp_option_next(char **argv, int *at, const char **value) {
  const char *word = argv[*at];
  *value = NULL;
  if (!word || word[0] != '-' || !word[1]) return LP_NO_OPTION;
  ++*at;
  if (word[1] == '-') {
    if (!word[2]) return LP_OPTIONS_END;
    if (!strcmp(word, "--help")) return 'h';
    if (!strcmp(word, "--version")) return 'v';
    if (!strcmp(word, "--providers")) {
      *value = argv[*at];
      if (!*value) return LP_OPTION_BARE;
      ++*at;
      return 'P';
    }
    return LP_OPTION_UNKNOWN;
  }
  if (strchr("el", word[1])) {
    *value = word[2] ? word + 2 : argv[*at];
    if (word[2]) return word[1];
    if (!*value || **value == '-') return LP_OPTION_BARE;
    ++*at;
    return word[1];
  }
  return strchr("ivWEh", word[1]) && !word[2] ? word[1] : LP_OPTION_UNKNOWN;
}

static bool is_folder(const char *name) {
  struct stat found;
  return stat(name, &found) == 0 && S_ISDIR(found.st_mode);
}

/* Provider files are looked for in this folder before all others, by whoever runs here. */
static void search_first(const char *folder) {
  const char *others = getenv("LUAPROV_PATH");
  size_t size = strlen(folder) + (others ? strlen(others) : 0) + 2;
  char *path = malloc(size);
  if (!path) return; /* then what needs it says that it found nothing */
  snprintf(path, size, "%s%s%s", folder, others && *others ? ":" : "", others ? others : "");
  setenv("LUAPROV_PATH", path, 1);
  free(path);
}

lp_options lp_options_read(int argc, char **argv) {
  lp_options options = {.script = argc};
  int at = 1;
  for (;;) {
    int before = at;
    const char *value;
    switch (lp_option_next(argv, &at, &value)) {
      case 'e': options.has_code = true; break;
      case 'i': options.interactive = true; /* fall through */
      case 'v': options.version = true; break;
      case 'E': options.no_environment = true; break;
      case 'h': options.help = true; return options;
      case LP_OPTION_BARE: options.bare = true; /* fall through */
      case LP_OPTION_UNKNOWN: options.wrong = before; return options;
      case LP_NO_OPTION:
      case LP_OPTIONS_END: options.script = at; return options;
      case 'P':
        if (!is_folder(value)) {
          options.missing = value;
          options.wrong = before;
          return options;
        }
        search_first(value);
        break;
      default: break; /* l and W: when they are run */
    }
  }
}
