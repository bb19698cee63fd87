/*
 * evidence_file.c - maps the file, because it may be large and is read once, front to back
 */
#include "evidence_file.h"

#include "commands.h"
#include "file_kind.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int unreadable(const struct cli *cli, const char *path)
{
    return cli_fail(cli, AUDIT_UNCHECKED, "cannot read %s: %s", path, strerror(errno));
}

/* What begins as evidence and goes on wrong is damaged; all else never was evidence. */
static int refuse(const struct cli *cli, const char *path, struct slice file,
                  const struct archive_problem *problem)
{
    char text[512];
    if (!file_is_evidence(file))
        return cli_fail(cli, AUDIT_UNCHECKED,
                        "%s, line %llu: %s; expected what `sluis evidence export' wrote", path,
                        (unsigned long long)problem->line, problem->text);
    snprintf(text, sizeof text, "%.200s, line %llu: %s", path, (unsigned long long)problem->line,
             problem->text);
    return output_problem(cli, SLUIS_VERIFY_INVALID, text);
}

static int load(const struct cli *cli, const char *path, struct slice file, const char *vkey,
                struct archive **out)
{
    struct archive_problem problem;
    enum sl_err err = archive_load(file, &problem, out);
    struct slice origin = slice_of(vkey, strcspn(vkey, "+"));
    if (err == SL_OK && slice_equals((*out)->head.origin, origin))
        return EX_OK;
    if (err == SL_OK)
        return cli_fail(cli, AUDIT_UNCHECKED, "%s is of the ledger %.*s, and the key is of %.*s",
                        path, SLICE_PRINTF((*out)->head.origin), SLICE_PRINTF(origin));
    if (err == SL_EINTERNAL)
        return cli_fail(cli, AUDIT_UNCHECKED, "out of memory");
    return refuse(cli, path, file, &problem);
}

int evidence_file_load(const struct cli *cli, const char *vkey, struct archive **out)
{
    const char *path = cli->values[KEY_EVIDENCE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0)
        return unreadable(cli, path);
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close(fd);
        return cli_fail(cli, AUDIT_UNCHECKED, "%s is not a file", path);
    }
    size_t n = (size_t)facts.st_size;
    void *bytes = n > 0 ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (bytes == MAP_FAILED)
        return unreadable(cli, path);
    int code = load(cli, path, slice_of(bytes, n), vkey, out);
    if (bytes)
        munmap(bytes, n);
    return code;
}
