// Preloaded into a server: a disk whose synchronizations take as long as a test wants. The folder
// SOLEC_SLOW_DISK says how: while it has a file `hold` they do not return, with a file `delay` they
// take so many milliseconds, with a file `fail` they end with EIO.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int Exists(const char *name, int *value) {
  char path[4096];
  const char *folder = getenv("SOLEC_SLOW_DISK");
  if (folder == NULL) return 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (value != NULL && fscanf(file, "%d", value) != 1) *value = 0;
  fclose(file);
  return 1;
}

static int Synchronize(const char *name, int fd) {
  int delay_ms = 0;
  while (Exists("hold", NULL)) usleep(1000);
  if (Exists("delay", &delay_ms)) usleep((useconds_t)delay_ms * 1000);
  if (Exists("fail", NULL)) {
    errno = EIO;
    return -1;
  }
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return next(fd);
}

int fsync(int fd) { return Synchronize("fsync", fd); }
int fdatasync(int fd) { return Synchronize("fdatasync", fd); }
