/*
 * vkey_list.c - a file of keys, line by line
 *
 * Read strictly: an empty line, a second name or a key that comes twice is more likely a mistake
 * than meant, and somebody's trust hangs on this file.
 */
#include "ledger/vkey_list.h"

#include "base/reader.h"

#include <string.h>

bool vkey_equals(const struct vkey *a, const struct vkey *b)
{
    return a->type == b->type && memcmp(a->key, b->key, sizeof a->key) == 0 &&
           slice_equals(a->name, b->name);
}

bool vkey_list_find(const struct vkey_list *list, const struct vkey *key, size_t *place)
{
    for (size_t i = 0; i < list->n; i++) {
        if (vkey_equals(&list->keys[i], key)) {
            *place = i;
            return true;
        }
    }
    return false;
}

struct slice vkey_list_name(const struct vkey_list *list)
{
    return list->keys[0].name;
}

static struct slice next_line(struct reader *reader)
{
    struct slice line = slice_of(reader->at, reader_left(reader));
    const uint8_t *end = line.n > 0 ? memchr(line.p, '\n', line.n) : NULL;
    line = read_bytes(reader, end ? (size_t)(end - line.p) : line.n);
    if (end)
        (void)read_bytes(reader, 1);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

enum sl_err vkey_list_parse(struct slice text, struct vkey_list *out, size_t *line)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    struct reader reader = reader_over(text);
    struct vkey_list list;
    size_t untouched;
    list.n = 0;
    do {
        *line = list.n + 1;
        if (list.n == VKEY_LIST_KEYS_MAX)
            return SL_ELIMIT;
        struct vkey *key = &list.keys[list.n];
        if (vkey_parse(next_line(&reader), key) != SL_OK || key->type != VKEY_ED25519 ||
            !slice_equals(key->name, list.keys[0].name) || vkey_list_find(&list, key, &untouched))
            return SL_EMALFORMED;
        list.n++;
    } while (reader_left(&reader) > 0);
    *out = list;
    return SL_OK;
}
