/* What a new state file needs of the file system. Nothing here knows Lua. */
#ifndef LP_STORE_FILES_H
#define LP_STORE_FILES_H

#include <stdint.h>

/* Each but the last returns 0 or an errno, and what it did outlives a loss of power. None opens a database: whoever closes a file
 * gives up all locks that its process has on it, those of SQLite's own connections too, and then another process takes
 * itself for the last and removes the log. */

/* The size of a file in bytes. EISDIR, or EINVAL, for what is no file. */
int lp_file_size(const char *path, int64_t *size);

/* Makes a folder that only its owner may enter. One that is there is left as it is. */
int lp_make_folder(const char *path);

/* Gives the file `from` the name `to`, which no file has (EEXIST), and lets only its owner read it. */
int lp_publish(const char *from, const char *to);

/* Removes the files whose paths go on after the prefix with 16 hexadecimal digits, and with nothing or a `-` behind
 * those, and that were changed that many seconds ago, or earlier. What cannot be removed stays, and that is no error. */
void lp_sweep(const char *prefix, double seconds);

#endif
