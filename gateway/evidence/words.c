/*
 * words.c - goes down both values side by side, in the order in which they should stand
 *
 * A path is written as a person would look for it: members after dots, places in brackets. Depth is
 * that of what is expected, which our own code has made.
 */
#include "evidence/words.h"

#include "evidence/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_BYTES = 256, VALUE_BYTES = 160 };

struct path {
    char bytes[PATH_BYTES];
    size_t n;
};

static void path_add(struct path *path, const char *name, size_t place)
{
    char step[PATH_BYTES];
    if (name)
        snprintf(step, sizeof step, "%s%.*s", path->n > 0 ? "." : "", PATH_BYTES / 2, name);
    else
        snprintf(step, sizeof step, "[%zu]", place);
    struct writer writer = writer_over(path->bytes + path->n, sizeof path->bytes - path->n);
    write_str(&writer, step);
    path->n += writer.n;
}

/* A character's first bytes alone are no text. */
static struct slice cut(const char *text)
{
    struct slice all = slice_of_str(text);
    if (all.n <= VALUE_BYTES)
        return all;
    all.n = VALUE_BYTES;
    while (all.n > 0 && (all.p[all.n] & 0xc0) == 0x80)
        all.n--;
    return all;
}

static void write_value(struct writer *writer, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    write_bytes(writer, text ? cut(text) : slice_of_str("not there"));
    if (text && slice_of_str(text).n > VALUE_BYTES)
        write_str(writer, " ..");
    free(text);
}

static void write_difference(struct writer *writer, const struct path *path, const json_t *found,
                             const json_t *expected)
{
    write_str(writer, "\"");
    write_bytes(writer, slice_of(path->bytes, path->n));
    write_str(writer, "\" is ");
    write_value(writer, found);
    write_str(writer, "; expected ");
    write_value(writer, expected);
}

static bool differ(const json_t *found, const json_t *expected, struct path path,
                   struct writer *writer);

static bool objects_differ(const json_t *found, const json_t *expected, struct path path,
                           struct writer *writer)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)expected, key, member)
    {
        struct path below = path;
        path_add(&below, key, 0);
        if (differ(json_object_get(found, key), member, below, writer))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)found, key, member)
    {
        if (json_object_get(expected, key))
            continue;
        path_add(&path, key, 0);
        write_difference(writer, &path, member, NULL);
        return true;
    }
    return false;
}

static bool arrays_differ(const json_t *found, const json_t *expected, struct path path,
                          struct writer *writer)
{
    size_t n_found = json_array_size(found), n = json_array_size(expected);
    for (size_t i = 0; i < n || i < n_found; i++) {
        struct path below = path;
        path_add(&below, NULL, i);
        if (differ(json_array_get(found, i), json_array_get(expected, i), below, writer))
            return true;
    }
    return false;
}

static bool differ(const json_t *found, const json_t *expected, struct path path,
                   struct writer *writer)
{
    if (found == expected)
        return false;
    if (json_is_object(found) && json_is_object(expected))
        return objects_differ(found, expected, path, writer);
    if (json_is_array(found) && json_is_array(expected))
        return arrays_differ(found, expected, path, writer);
    if (found && expected && json_equal(found, expected))
        return false;
    write_difference(writer, &path, found, expected);
    return true;
}

bool words_differ(const json_t *found, const json_t *expected, struct writer *writer)
{
    return differ(found, expected, (struct path){.n = 0}, writer);
}
