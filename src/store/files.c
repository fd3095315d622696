#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name is kept by the folder that it stands in. */
static int sync_folder_of(const char *path) {
  char folder[PATH_MAX];
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  while (len && path[len - 1] != '/') len--;
  if (len >= sizeof folder) return ENAMETOOLONG;
  memcpy(folder, path, len);
  folder[len] = '\0';
  int fd = open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  /* Some file systems cannot, and need not. */
  int why = fsync(fd) && errno != EINVAL ? errno : 0;
  close(fd);
  return why;
}

int lp_file_size(const char *path, int64_t *size) {
  struct stat about;
  if (stat(path, &about)) return errno;
  if (S_ISDIR(about.st_mode)) return EISDIR;
  *size = (int64_t)about.st_size;
  return S_ISREG(about.st_mode) ? 0 : EINVAL;
}

int lp_make_folder(const char *path) {
  if (!mkdir(path, 0700)) return sync_folder_of(path);
  if (errno != EEXIST) return errno;
  struct stat about;
  if (stat(path, &about)) return errno;
  return S_ISDIR(about.st_mode) ? 0 : ENOTDIR;
}

int lp_publish(const char *from, const char *to) {
  if (chmod(from, 0600) || link(from, to)) return errno;
  if (unlink(from)) return errno;
  return sync_folder_of(to);
}
