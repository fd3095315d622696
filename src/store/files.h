/* What a new state file needs of the file system. Nothing here knows Lua. */
#ifndef LP_STORE_FILES_H
#define LP_STORE_FILES_H

/* Each returns 0 or an errno, and what it did outlives a loss of power. */

/* Makes a folder that only its owner may enter. One that is there is left as it is. */
int lp_make_folder(const char *path);

/* Gives the file `from` the name `to`, which no file has (EEXIST), and lets only its owner read it. */
int lp_publish(const char *from, const char *to);

#endif
