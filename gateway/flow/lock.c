/*
 * lock.c - an advisory lock that the kernel lets go of when its holder ends, however it ends
 */
#include "flow/lock.h"

#include "config/keys.h"
#include "ledger/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char path_too_long[] = "the path of the state folder is too long";

static enum node_state broken(struct node_problem *problem, const char *text)
{
    snprintf(problem->text, sizeof problem->text, "%s", text);
    return NODE_BROKEN;
}

/* The process that holds the lock wrote its number into the file. */
static void say_who_locked(int fd, const char *path, struct node_problem *problem)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    snprintf(problem->text, sizeof problem->text,
             "%.400s is held by another process (%s): one gateway at a time may write a state "
             "folder; stop that one, or give this one a state folder of its own",
             path, text[0] ? text : "unknown");
}

static enum node_state lock_file(int fd, const char *path, struct node_problem *problem)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return broken(problem, "the state folder can't be locked; is it on a file system "
                                   "without locks?");
        say_who_locked(fd, path, problem);
        return NODE_LOCKED_BY_OTHER;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return broken(problem, "the state folder's disk is full or can't be written: there is no "
                               "room for the lock file; make room, then start again");
    return NODE_OPENED;
}

enum node_state lock_take_to_restore(const char *state_folder, struct node_problem *problem,
                                     int *fd)
{
    char path[KEYS_PATH_BYTES];
    *fd = -1;
    if (keys_path(state_folder, STATE_LOCK, path) != SL_OK)
        return broken(problem, path_too_long);
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0) {
        snprintf(problem->text, sizeof problem->text,
                 "cannot open %.300s: %s; `sluis init` makes a state folder, and the user that "
                 "runs sluisd must be able to write it",
                 path, strerror(errno));
        return NODE_BROKEN;
    }
    enum node_state state = lock_file(opened, path, problem);
    if (state == NODE_OPENED)
        *fd = opened;
    else
        close(opened);
    return state;
}

enum node_state lock_take(const char *state_folder, struct node_problem *problem, int *fd)
{
    enum node_state state = lock_take_to_restore(state_folder, problem, fd);
    char path[KEYS_PATH_BYTES];
    struct stat stat_of;
    if (state != NODE_OPENED)
        return state;
    int n = snprintf(path, sizeof path, "%s/" ARCHIVE_RESTORING, state_folder);
    if (n >= (int)sizeof path || stat(path, &stat_of) != 0)
        return NODE_OPENED;
    close(*fd);
    *fd = -1;
    snprintf(problem->text, sizeof problem->text,
             "%.400s is there: a restore of the ledger was begun, and is not done. Run `sluis "
             "ledger restore` again, which goes on with it, or remove that folder",
             path);
    return NODE_BROKEN;
}
