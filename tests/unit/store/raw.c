/*
 * raw.c - reads every file below a folder, and looks for bytes
 */
#include "raw.h"

#include "base/err.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct slice wanted;
static bool found;
static unsigned n_entries;

static bool file_holds(const char *path, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    SL_ASSERT(fd >= 0);
    void *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    SL_ASSERT(bytes != MAP_FAILED);
    bool holds = memmem(bytes, n, wanted.p, wanted.n) != NULL;
    munmap(bytes, n);
    return holds;
}

static int look_into(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    n_entries += walk->level > 0;
    if (type == FTW_F && stat->st_size > 0 && wanted.n > 0 &&
        file_holds(path, (size_t)stat->st_size))
        found = true;
    return 0;
}

bool raw_holds(const char *folder, struct slice bytes)
{
    SL_ASSERT(bytes.n > 0);
    wanted = bytes;
    found = false;
    SL_ASSERT(nftw(folder, look_into, 8, FTW_PHYS) == 0);
    return found;
}

unsigned raw_n_entries(const char *folder)
{
    wanted = (struct slice){NULL, 0};
    n_entries = 0;
    SL_ASSERT(nftw(folder, look_into, 8, FTW_PHYS) == 0);
    return n_entries;
}
