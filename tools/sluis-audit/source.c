/*
 * source.c - which folder and which key
 *
 * A public key is not a secret, so it is read whatever its mode. Its name is the ledger's: a key
 * of another ledger is refused by the verifier, not here.
 */
#include "base/limits.h"
#include "commands.h"
#include "file_kind.h"
#include "ledger.h"
#include "ledger/segment.h"
#include "remote.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* Ends with the exit code of "could not check". */
static int unchecked(const struct cli *cli, const char *path, const char *doing)
{
    return cli_fail(cli, AUDIT_UNCHECKED, "cannot %s %s: %s", doing, path, strerror(errno));
}

static bool has_segments(const char *folder)
{
    DIR *listing = opendir(folder);
    bool found = false;
    uint64_t first;
    for (struct dirent *entry; listing && !found && (entry = readdir(listing));)
        found = segment_name_parse(slice_of_str(entry->d_name), &first);
    if (listing)
        closedir(listing);
    return found;
}

static int take_url(struct ledger_source *source, const char *url)
{
    if (!source->cli->given[KEY_KEY])
        return cli_misused(source->cli, "a ledger over HTTP is read under which key? add --key "
                                        "FILE, the ledger.vkey that the operator published");
    int code = remote_check_url(source->cli, url);
    if (code != EX_OK)
        return code;
    snprintf(source->folder, sizeof source->folder, "%s", url);
    source->is_remote = true;
    return EX_OK;
}

static int find_folder(struct ledger_source *source, const char *folder)
{
    if (remote_is_url(folder))
        return take_url(source, folder);
    static const char *const below[] = {"/ledger", "/state/ledger"};
    DIR *listing = opendir(folder);
    if (!listing)
        return unchecked(source->cli, folder, "open the ledger folder");
    closedir(listing);
    if (strlen(folder) >= sizeof source->folder - 16)
        return cli_fail(source->cli, AUDIT_UNCHECKED, "the path is too long");
    snprintf(source->folder, sizeof source->folder, "%s", folder);
    for (size_t i = 0; i < SL_LENGTH(below) && !has_segments(source->folder); i++) {
        char path[LEDGER_PATH_BYTES];
        snprintf(path, sizeof path, "%.*s%s", LEDGER_PATH_BYTES - 16, folder, below[i]);
        if (has_segments(path))
            snprintf(source->folder, sizeof source->folder, "%s", path);
    }
    return EX_OK;
}

/* What is no list of the ledger's keys, but perhaps something else that is known. */
static int not_a_key(struct ledger_source *source, const char *path, size_t n, size_t line)
{
    enum file_kind kind = file_kind_of(slice_of(source->vkey, n));
    OPENSSL_cleanse(source->vkey, sizeof source->vkey);
    if (kind == FILE_OTHER || kind == FILE_LEDGER_VKEY)
        return cli_fail(source->cli, AUDIT_UNCHECKED,
                        "%s, line %zu: not a public key; expected NAME+HASH+KEY, as in the "
                        "ledger.vkey that `sluis init` makes: the ledger's first key, or all that "
                        "it has had, oldest first, one a line",
                        path, line);
    return cli_fail(source->cli, AUDIT_UNCHECKED,
                    "%s is %s; --key wants the ledger's public key: ledger.vkey, a line "
                    "NAME+HASH+KEY that the operator published",
                    path, file_kind_name(kind));
}

/* Blanks at the end are left out. */
static int read_key(struct ledger_source *source, const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return unchecked(source->cli, path, "open the key");
    size_t n = fread(source->vkey, 1, sizeof source->vkey, file);
    int error = ferror(file) ? errno : 0;
    fclose(file);
    static struct vkey_list list;
    size_t line = 1;
    if (error == EISDIR)
        return cli_fail(source->cli, AUDIT_UNCHECKED,
                        "%s is a folder; --key wants the file with the ledger's public key: "
                        "ledger.vkey, which the operator published",
                        path);
    if (error)
        return cli_fail(source->cli, AUDIT_UNCHECKED, "cannot read the key %s: %s", path,
                        strerror(error));
    while (n > 0 && n < sizeof source->vkey && strchr(" \t\r\n", source->vkey[n - 1]))
        n--;
    if (n == sizeof source->vkey ||
        vkey_list_parse(slice_of(source->vkey, n), &list, &line) != SL_OK)
        return not_a_key(source, path, n, line);
    source->vkey[n] = 0;
    source->n_vkeys = list.n;
    source->has_key = true;
    return EX_OK;
}

int ledger_source_key(struct ledger_source *source, const struct cli *cli)
{
    source->cli = cli;
    return cli->given[KEY_KEY] ? read_key(source, cli->values[KEY_KEY]) : EX_OK;
}

static int read_jobs(struct ledger_source *source)
{
    if (!source->cli->given[KEY_JOBS])
        return EX_OK;
    if (!cli_value_u64(source->cli, KEY_JOBS, "--jobs", LIMIT_MAX_audit_jobs, &source->n_threads))
        return EX_USAGE;
    if (source->n_threads == 0)
        return cli_misused(source->cli, "--jobs wants at least 1, found 0");
    return EX_OK;
}

int ledger_source_folder(struct ledger_source *source, const struct cli *cli, const char *folder)
{
    source->cli = cli;
    int code = read_jobs(source);
    return code == EX_OK ? find_folder(source, folder) : code;
}

int ledger_source_init(struct ledger_source *source, const struct cli *cli, const char *folder)
{
    int code = ledger_source_folder(source, cli, folder);
    return code == EX_OK ? ledger_source_key(source, cli) : code;
}
