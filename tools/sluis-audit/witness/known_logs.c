/*
 * known_logs.c - sorted once, looked up by halves
 */
#include "witness/known_logs.h"

#include "base/pool.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

struct storage {
    struct known_logs logs; /* first */
    struct pool pool;
};

static int compare_keys(const void *a, const void *b)
{
    const struct vkey *left = a, *right = b;
    int order = slice_compare(left->name, right->name);
    return order ? order : memcmp(left->key, right->key, sizeof left->key);
}

static void name_by_hash(struct known_log *log)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(log->origin, digest);
    struct writer writer = writer_over(log->hash, sizeof log->hash);
    write_hex(&writer, slice_of(digest, sizeof digest));
    write_u8(&writer, 0);
    SL_ASSERT(!writer.overflow);
}

static struct known_log *add_log(struct storage *storage, const struct vkey *first)
{
    struct known_log *log = &storage->logs.list[storage->logs.n++];
    *log = (struct known_log){.origin = first->name, .keys = first};
    name_by_hash(log);
    return log;
}

/* The keys are sorted: those of one origin stand side by side. */
static enum sl_err group(struct storage *storage, struct vkey *keys, size_t n_keys)
{
    storage->logs.list = pool_array(&storage->pool, n_keys + 1, sizeof *storage->logs.list);
    if (!storage->logs.list)
        return SL_EINTERNAL;
    struct known_log *log = NULL;
    for (size_t i = 0; i < n_keys; i++) {
        keys[i].name = pool_copy(&storage->pool, keys[i].name);
        if (!keys[i].name.p)
            return SL_EINTERNAL;
        if (!log || !slice_equals(log->origin, keys[i].name))
            log = add_log(storage, &keys[i]);
        log->n_keys++;
    }
    return SL_OK;
}

static size_t drop_twins(struct vkey *keys, size_t n_keys)
{
    size_t n = 0;
    for (size_t i = 0; i < n_keys; i++)
        if (n == 0 || compare_keys(&keys[n - 1], &keys[i]) != 0)
            keys[n++] = keys[i];
    return n;
}

enum sl_err known_logs_new(const struct vkey *keys, size_t n_keys, struct known_logs **out)
{
    struct storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return SL_EINTERNAL;
    SL_AUTO(known_logs) logs = &storage->logs;
    struct vkey *sorted = pool_array(&storage->pool, n_keys + 1, sizeof *sorted);
    if (!sorted)
        return SL_EINTERNAL;
    if (n_keys > 0) {
        memcpy(sorted, keys, n_keys * sizeof *sorted);
        qsort(sorted, n_keys, sizeof *sorted, compare_keys);
    }
    SL_TRY(group(storage, sorted, drop_twins(sorted, n_keys)));
    *out = logs;
    logs = NULL;
    return SL_OK;
}

void known_logs_free(struct known_logs *logs)
{
    if (!logs)
        return;
    struct storage *storage = (struct storage *)logs;
    for (size_t i = 0; i < logs->n; i++)
        free(logs->list[i].record.note);
    pool_deinit(&storage->pool);
    free(storage);
}

struct known_log *known_logs_find(struct known_logs *logs, struct slice origin)
{
    size_t low = 0, high = logs->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(logs->list[middle].origin, origin);
        if (order == 0)
            return &logs->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct known_log *known_logs_find_hash(struct known_logs *logs, struct slice hash)
{
    for (size_t i = 0; i < logs->n; i++)
        if (slice_equals_str(hash, logs->list[i].hash))
            return &logs->list[i];
    return NULL;
}
