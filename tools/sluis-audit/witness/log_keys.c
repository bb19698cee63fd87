/*
 * log_keys.c - vkeys from arguments and files
 */
#include "witness/log_keys.h"

#include "base/limits.h"
#include "base/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024 };

static SL_PRINTF(3, 4) enum sl_err
    refuse(struct log_keys *keys, enum sl_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(keys->problem, sizeof keys->problem, format, args);
    va_end(args);
    return err;
}

static enum sl_err add(struct log_keys *keys, const struct vkey *key)
{
    if (keys->n == LIMIT_MAX_witness_log_keys)
        return refuse(keys, SL_ELIMIT, "there are more than %d keys of logs",
                      LIMIT_MAX_witness_log_keys);
    if (keys->n == keys->cap) {
        size_t cap = keys->cap ? 2 * keys->cap : 16;
        struct vkey *grown = realloc(keys->list, cap * sizeof *grown);
        if (!grown)
            return refuse(keys, SL_EINTERNAL, "out of memory");
        keys->list = grown;
        keys->cap = cap;
    }
    keys->list[keys->n++] = *key;
    return SL_OK;
}

/* `text` outlives the list. */
static enum sl_err add_text(struct log_keys *keys, struct slice text)
{
    struct vkey key;
    if (vkey_parse(text, &key) != SL_OK)
        return refuse(keys, SL_EMALFORMED,
                      "\"%.*s\" is not the public key of a log; expected NAME+HASH+KEY, as in the "
                      "ledger.vkey that `sluis init` makes",
                      text.n > 200 ? 200 : (int)text.n, (const char *)text.p);
    if (key.type != VKEY_ED25519)
        return refuse(keys, SL_EMALFORMED, "%.*s is the key of a witness, not of a log",
                      SLICE_PRINTF(text));
    return add(keys, &key);
}

static struct slice trimmed(const char *line)
{
    struct slice text = slice_of_str(line);
    while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    while (text.n > 0 && strchr(" \t", *text.p))
        text = slice_of(text.p + 1, text.n - 1);
    return text;
}

static enum sl_err add_lines(struct log_keys *keys, FILE *file, const char *path)
{
    char line[LINE_BYTES_MAX];
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        struct slice text = trimmed(line);
        if (text.n == 0 || *text.p == '#')
            continue;
        text = pool_copy(&keys->texts, text);
        if (!text.p)
            return refuse(keys, SL_EINTERNAL, "out of memory");
        enum sl_err err = add_text(keys, text);
        if (err != SL_OK) {
            char problem[sizeof keys->problem];
            memcpy(problem, keys->problem, sizeof problem);
            return refuse(keys, err, "%.200s:%u: %.290s", path, number, problem);
        }
    }
    if (ferror(file))
        return refuse(keys, SL_ESTORE, "%s can't be read: %s", path, strerror(errno));
    return SL_OK;
}

enum sl_err log_keys_add(struct log_keys *keys, const char *argument)
{
    struct vkey key;
    if (vkey_parse(slice_of_str(argument), &key) == SL_OK)
        return add_text(keys, slice_of_str(argument));
    FILE *file = fopen(argument, "re");
    if (!file)
        return refuse(keys, SL_ESTORE,
                      "\"%.200s\" is no public key of a log (NAME+HASH+KEY), and no file that can "
                      "be opened: %s",
                      argument, strerror(errno));
    size_t n_before = keys->n;
    enum sl_err err = add_lines(keys, file, argument);
    fclose(file);
    if (err == SL_OK && keys->n == n_before)
        return refuse(keys, SL_EMALFORMED, "%.200s names no log", argument);
    return err;
}

void log_keys_deinit(struct log_keys *keys)
{
    free(keys->list);
    pool_deinit(&keys->texts);
}
