/*
 * keyring.c - a rotation on disk, in steps that can be taken again
 *
 *     .next drawn, durable
 *        ▼
 *     key receipt durable: from here on the ledger names the new key
 *        ▼
 *     .pem → .old, .next → .pem ──▶ .old wiped ──▶ listed
 *
 * Before the receipt, .next is a key that nothing rests on. After it, the ledger can't go on
 * without .next, which has been on stable storage since before. So whatever a crash leaves, one of
 * the three private files is the key that the ledger names, and no step needs to be undone.
 *
 * The new name comes before the old key is wiped, and both renames go to the disk with one sync of
 * the folder: a start that finds no .pem, or two keys, knows from the ledger which is which.
 */
#include "ledger/keyring.h"

#include "base/durable_file.h"
#include "base/private_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char suffix_next[] = ".next", suffix_old[] = ".old", suffix_drawn[] = ".drawn";

static SL_PRINTF(2, 3) enum sl_err refuse(struct note_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

static enum sl_err path_of(const struct keyring *keyring, const char *suffix,
                           char path[KEYRING_PATH_BYTES], struct note_problem *problem)
{
    int n = snprintf(path, KEYRING_PATH_BYTES, "%s%s", keyring->key_file, suffix);
    return n > 0 && n < KEYRING_PATH_BYTES ? SL_OK
                                           : refuse(problem, "the path of a key is too long");
}

/* The new names in the folder of the keys. */
static enum sl_err sync_folder(const struct keyring *keyring, struct note_problem *problem)
{
    const char *name;
    int fd = durable_folder_open(keyring->key_file, &name);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    return synced ? SL_OK
                  : refuse(problem, "the folder of %s can't be synced: %s", keyring->key_file,
                           strerror(saved));
}

static enum sl_err destroy(const struct keyring *keyring, const char *suffix,
                           struct note_problem *problem)
{
    char path[KEYRING_PATH_BYTES];
    struct private_file_problem file_problem;
    SL_TRY(path_of(keyring, suffix, path, problem));
    return private_file_destroy(path, &file_problem) == SL_OK
               ? SL_OK
               : refuse(problem, "%s", file_problem.text);
}

/* ------------------------------------------------------------------------------- the list -- */

static enum sl_err parse_list(const struct keyring *keyring, size_t n, struct note_problem *problem,
                              struct keyring_list *out)
{
    size_t line = 0;
    switch (vkey_list_parse(slice_of(out->text, n), &out->list, &line)) {
    case SL_OK:
        break;
    case SL_ELIMIT:
        return refuse(problem, "%s lists more than %d keys", keyring->vkey_file,
                      VKEY_LIST_KEYS_MAX);
    default:
        return refuse(problem,
                      "%s, line %zu: not the public key of this ledger; expected every key that it "
                      "has had, oldest first, one NAME+HASH+KEY a line: put a copy back",
                      keyring->vkey_file, line);
    }
    struct slice name = vkey_list_name(&out->list);
    if (slice_equals(name, keyring->origin))
        return SL_OK;
    return refuse(problem,
                  "%s is of the origin \"%.*s\", the configuration is of \"%.*s\"; start with the "
                  "origin and the keys that this ledger was begun with",
                  keyring->vkey_file, SLICE_PRINTF(name), SLICE_PRINTF(keyring->origin));
}

/* Without a list: the key that signs. */
static enum sl_err list_of_one(const struct keyring *keyring, struct note_problem *problem,
                               struct keyring_list *out)
{
    SL_AUTO(note_signer) signer = NULL;
    SL_TRY(note_signer_open(keyring->key_file, keyring->origin, problem, &signer));
    struct slice vkey = slice_of_str(note_signer_vkey(signer));
    memcpy(out->text, vkey.p, vkey.n);
    return parse_list(keyring, vkey.n, problem, out);
}

enum sl_err keyring_list_read(const struct keyring *keyring, struct note_problem *problem,
                              struct keyring_list *out)
{
    const char *name;
    size_t n = 0;
    int folder_fd = durable_folder_open(keyring->vkey_file, &name);
    enum sl_err err = SL_ESTORE;
    if (folder_fd >= 0)
        err = durable_file_read(folder_fd, name, out->text, sizeof out->text, &n);
    int saved = errno;
    if (folder_fd >= 0)
        close(folder_fd);
    if (err == SL_ESTORE)
        return refuse(problem, "%s can't be read: %s", keyring->vkey_file, strerror(saved));
    if (err == SL_ELIMIT)
        return refuse(problem, "%s is too long for a list of keys", keyring->vkey_file);
    out->is_file = n > 0;
    return out->is_file ? parse_list(keyring, n, problem, out) : list_of_one(keyring, problem, out);
}

/* Writes the list with one more key at its end; `list` may be NULL for a list of that key alone. */
static enum sl_err write_list(const struct keyring *keyring, const struct vkey_list *list,
                              struct slice vkey, struct note_problem *problem)
{
    uint8_t *text = malloc(VKEY_LIST_BYTES_MAX);
    if (!text)
        return refuse(problem, "out of memory");
    struct writer writer = writer_over(text, VKEY_LIST_BYTES_MAX);
    for (size_t i = 0; list && i < list->n; i++) {
        write_vkey(&writer, list->keys[i].name, list->keys[i].key);
        write_str(&writer, "\n");
    }
    write_bytes(&writer, vkey);
    write_str(&writer, "\n");
    const char *name;
    int folder_fd = writer.overflow ? -1 : durable_folder_open(keyring->vkey_file, &name);
    enum sl_err err = SL_ESTORE;
    if (folder_fd >= 0)
        err = durable_file_replace(folder_fd, name, 0644, writer_slice(&writer));
    int saved = errno;
    if (folder_fd >= 0)
        close(folder_fd);
    free(text);
    return err == SL_OK ? SL_OK
                        : refuse(problem, "%s can't be written: %s", keyring->vkey_file,
                                 writer.overflow ? "too many keys" : strerror(saved));
}

/* ------------------------------------------------------------------------------- rotating -- */

enum sl_err keyring_next_open(const struct keyring *keyring, struct note_problem *problem,
                              struct note_signer **out)
{
    char next[KEYRING_PATH_BYTES], drawn[KEYRING_PATH_BYTES];
    char vkey[NOTE_VKEY_BYTES_MAX];
    SL_TRY(path_of(keyring, suffix_next, next, problem));
    SL_TRY(path_of(keyring, suffix_drawn, drawn, problem));
    if (access(next, F_OK) == 0)
        return note_signer_open(next, keyring->origin, problem, out);
    /* Whole and durable under another name first: a half-written key is never the next one. */
    SL_TRY(destroy(keyring, suffix_drawn, problem));
    SL_TRY(note_key_create(drawn, keyring->origin, problem, vkey));
    if (rename(drawn, next) != 0)
        return refuse(problem, "%s can't be renamed: %s", drawn, strerror(errno));
    SL_TRY(sync_folder(keyring, problem));
    return note_signer_open(next, keyring->origin, problem, out);
}

bool keyring_next_vkey(const struct keyring *keyring, char vkey[NOTE_VKEY_BYTES_MAX])
{
    char path[KEYRING_PATH_BYTES];
    struct note_problem untold;
    SL_AUTO(note_signer) signer = NULL;
    if (path_of(keyring, suffix_next, path, &untold) != SL_OK || access(path, F_OK) != 0 ||
        note_signer_open(path, keyring->origin, &untold, &signer) != SL_OK)
        return false;
    snprintf(vkey, NOTE_VKEY_BYTES_MAX, "%s", note_signer_vkey(signer));
    return true;
}

enum sl_err keyring_next_destroy(const struct keyring *keyring, struct note_problem *problem,
                                 bool *was_there)
{
    char next[KEYRING_PATH_BYTES];
    SL_TRY(path_of(keyring, suffix_next, next, problem));
    bool found = access(next, F_OK) == 0;
    SL_TRY(destroy(keyring, suffix_drawn, problem));
    SL_TRY(destroy(keyring, suffix_next, problem));
    *was_there = found;
    return SL_OK;
}

/* The key in the file of `suffix` signs from now on; the one that did is wiped. */
static enum sl_err put_in_place(const struct keyring *keyring, const char *suffix,
                                struct note_problem *problem)
{
    char from[KEYRING_PATH_BYTES], old[KEYRING_PATH_BYTES];
    SL_TRY(path_of(keyring, suffix, from, problem));
    SL_TRY(path_of(keyring, suffix_old, old, problem));
    bool is_old = strcmp(suffix, suffix_old) == 0;
    if (!is_old && rename(keyring->key_file, old) != 0 && errno != ENOENT)
        return refuse(problem, "%s can't be renamed: %s", keyring->key_file, strerror(errno));
    if (rename(from, keyring->key_file) != 0)
        return refuse(problem, "%s can't be renamed: %s", from, strerror(errno));
    SL_TRY(sync_folder(keyring, problem));
    return destroy(keyring, suffix_old, problem);
}

/* ------------------------------------------------------------------ following the ledger -- */

static bool holds_key(const struct keyring *keyring, const char *suffix, struct slice vkey)
{
    char path[KEYRING_PATH_BYTES];
    struct note_problem untold;
    SL_AUTO(note_signer) signer = NULL;
    return path_of(keyring, suffix, path, &untold) == SL_OK &&
           note_signer_open(path, keyring->origin, &untold, &signer) == SL_OK &&
           slice_equals(slice_of_str(note_signer_vkey(signer)), vkey);
}

static enum sl_err settle_list(const struct keyring *keyring, const struct keyring_list *list,
                               struct slice vkey, const struct vkey *in_force, uint64_t n_keys,
                               struct note_problem *problem)
{
    size_t place = 0;
    size_t n_listed = list->is_file ? list->list.n : 0;
    bool is_last = vkey_list_find(&list->list, in_force, &place) && place + 1 == n_listed;
    if (is_last && n_listed == n_keys)
        return SL_OK;
    if (!is_last && n_listed + 1 == n_keys)
        return write_list(keyring, list->is_file ? &list->list : NULL, vkey, problem);
    return refuse(problem,
                  "%s lists %zu keys, but the ledger has had %llu, the newest is %.*s; put a copy "
                  "of the file back that lists all of them, oldest first",
                  keyring->vkey_file, n_listed, (unsigned long long)n_keys, SLICE_PRINTF(vkey));
}

static enum sl_err settle_files(const struct keyring *keyring, struct slice vkey,
                                struct note_problem *problem)
{
    if (holds_key(keyring, "", vkey))
        return destroy(keyring, suffix_old, problem);
    static const char *const others[] = {suffix_next, suffix_old};
    for (size_t i = 0; i < SL_LENGTH(others); i++)
        if (holds_key(keyring, others[i], vkey))
            return put_in_place(keyring, others[i], problem);
    /* Unreadable, or another key: opening it says which. */
    SL_AUTO(note_signer) signer = NULL;
    SL_TRY(note_signer_open(keyring->key_file, keyring->origin, problem, &signer));
    return refuse(problem,
                  "the ledger is signed by another key than %s holds: expected %.*s, found %s. "
                  "Put back the keys that this ledger was begun with, or went over to",
                  keyring->key_file, SLICE_PRINTF(vkey), note_signer_vkey(signer));
}

static enum sl_err settle(const struct keyring *keyring, const struct keyring_list *list,
                          const struct vkey *in_force, uint64_t n_keys,
                          struct note_problem *problem)
{
    char text[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    write_vkey(&writer, in_force->name, in_force->key);
    SL_TRY(settle_files(keyring, writer_slice(&writer), problem));
    return settle_list(keyring, list, writer_slice(&writer), in_force, n_keys, problem);
}

enum sl_err keyring_settle(const struct keyring *keyring, const struct keyring_list *list,
                           const struct vkey *in_force, uint64_t n_keys,
                           struct note_problem *problem, struct note_signer **out)
{
    SL_TRY(settle(keyring, list, in_force, n_keys, problem));
    return note_signer_open(keyring->key_file, keyring->origin, problem, out);
}

enum sl_err keyring_follow(const struct keyring *keyring, struct slice vkey, uint64_t n_keys,
                           struct note_problem *problem)
{
    struct vkey in_force;
    struct keyring_list *list = calloc(1, sizeof *list);
    if (!list)
        return refuse(problem, "out of memory");
    SL_ASSERT(vkey_parse(vkey, &in_force) == SL_OK);
    enum sl_err err = keyring_list_read(keyring, problem, list);
    if (err == SL_OK)
        err = settle(keyring, list, &in_force, n_keys, problem);
    free(list);
    return err;
}
