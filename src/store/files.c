#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Opens the folder that a path stands in; -1 and errno. `name`: where the last part of the path begins. */
static int open_folder_of(const char *path, size_t *name) {
  char folder[PATH_MAX];
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  while (len && path[len - 1] != '/') len--;
  if (len >= sizeof folder) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(folder, path, len);
  folder[len] = '\0';
  *name = len;
  return open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A name is kept by the folder that it stands in. */
static int sync_folder_of(const char *path) {
  size_t name;
  int fd = open_folder_of(path, &name);
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

static bool is_made_up(const char *rest) {
  return strspn(rest, "0123456789abcdef") == 16 && (rest[16] == '\0' || rest[16] == '-');
}

static void sweep_one(int folder, const char *name, double seconds) {
  struct stat about;
  if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) || !S_ISREG(about.st_mode)) return;
  if (difftime(time(NULL), about.st_mtime) >= seconds) unlinkat(folder, name, 0);
}

void lp_sweep(const char *prefix, double seconds) {
  size_t name;
  int fd = open_folder_of(prefix, &name);
  if (fd < 0) return;
  DIR *folder = fdopendir(fd);
  if (!folder) {
    close(fd);
    return;
  }
  prefix += name;
  size_t len = strlen(prefix);
  for (struct dirent *entry; (entry = readdir(folder));)
    if (!strncmp(entry->d_name, prefix, len) && is_made_up(entry->d_name + len))
      sweep_one(dirfd(folder), entry->d_name, seconds);
  closedir(folder);
}

int lp_publish(const char *from, const char *to) {
  if (chmod(from, 0600) || link(from, to)) return errno;
  if (unlink(from)) return errno;
  return sync_folder_of(to);
}
