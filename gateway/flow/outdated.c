/*
 * outdated.c - counts policies of another layout, once, when a node starts
 */
#include "flow/outdated.h"

#include "policy/policy.h"

struct counting {
    struct store_reader *reader; /* not the one that walks */
    enum sl_err err;
    uint64_t n;
};

static bool look_at_policy(void *context, struct slice name,
                           const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    (void)name;
    struct counting *counting = context;
    struct store_subject subject;
    counting->err = store_read(counting->reader, id, &subject);
    if (counting->err != SL_OK)
        return false;
    counting->n += subject.version > 0 && !policy_blob_is_current(subject.blob);
    store_read_end(counting->reader);
    return true;
}

enum sl_err outdated_count(struct store *store, uint64_t *n)
{
    SL_AUTO(store_reader) walker = NULL;
    SL_AUTO(store_reader) reader = NULL;
    SL_TRY(store_reader_new(store, &walker));
    SL_TRY(store_reader_new(store, &reader));
    struct counting counting = {.reader = reader};
    SL_TRY(store_each(walker, look_at_policy, &counting));
    SL_TRY(counting.err);
    *n = counting.n;
    return SL_OK;
}
