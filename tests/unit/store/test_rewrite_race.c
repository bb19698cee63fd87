/*
 * test_rewrite_race.c - the store is written anew again and again while threads read and change it
 *
 * Readers check that what they see fits together; one writer changes policies, adds, renames and
 * erases; one thread rewrites. In the end the store holds what a twin holds, and its files nothing
 * of those who were erased. Built with -Db_sanitize=thread this also looks for races.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "raw.h"

#include "store/uses.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS = 3, SUBJECTS = 24, REWRITES = 25, GONE_MAX = 4096 };

struct twin {
    bool exists;
    uint8_t id[16];
    uint64_t version;
    uint32_t n_used;
    char name[16], user[16];
};

struct race {
    struct fixture *fixture;
    atomic_bool done;
    atomic_uint n_rewrites, n_reads;
    pthread_mutex_t lock; /* of ids, for readers that want one */
    uint8_t ids[SUBJECTS][16];

    struct twin twins[SUBJECTS]; /* the writer's */
    uint64_t random;
    unsigned n_gone;
    char gone[GONE_MAX][16]; /* names that are nowhere any more */
};

static unsigned pick(uint64_t *random, unsigned n)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % n;
}

/* --- reading --------------------------------------------------------------------------------- */

static void check_subject(struct race *race, struct store_reader *reader, const uint8_t id[16])
{
    struct store_subject subject;
    struct store_version version;
    uint8_t key[32];
    bool found = false;
    SL_ASSERT(store_read(reader, id, &subject) == SL_OK);
    if (subject.found && subject.version > 0) {
        char expected[32];
        snprintf(expected, sizeof expected, "blob %u", (unsigned)subject.version);
        SL_ASSERT(slice_equals_str(subject.blob, expected));
        SL_ASSERT(store_version_get(reader, id, subject.version, &version, &found) == SL_OK);
        SL_ASSERT(found && slice_equals(version.blob, subject.blob));
        SL_ASSERT(memcmp(version.policy_digest, subject.policy_digest, 32) == 0);
        SL_ASSERT(store_subject_key(reader, id, key) == SL_OK); /* same snapshot */
    }
    store_read_end(reader);
    enum sl_err err = store_subject_key(reader, id, key);
    SL_ASSERT(err == SL_OK || err == SL_EMALFORMED);
    atomic_fetch_add(&race->n_reads, 1);
}

static bool count_key(void *context, const uint8_t id[16], const uint8_t key[32])
{
    (void)id, (void)key;
    ++*(unsigned *)context;
    return true;
}

static void *read_on(void *context)
{
    struct race *race = context;
    struct store_reader *reader = NULL;
    uint64_t random = (uint64_t)(uintptr_t)&reader;
    SL_ASSERT(store_reader_new(race->fixture->store, &reader) == SL_OK);
    while (!atomic_load(&race->done)) {
        uint8_t id[16];
        unsigned n_keys = 0;
        pthread_mutex_lock(&race->lock);
        memcpy(id, race->ids[pick(&random, SUBJECTS)], sizeof id);
        pthread_mutex_unlock(&race->lock);
        check_subject(race, reader, id);
        if (pick(&random, 16) == 0)
            SL_ASSERT(store_each_key(reader, count_key, &n_keys) == SL_OK);
        if (pick(&random, 64) == 0) { /* readers come and go */
            store_reader_free(reader);
            SL_ASSERT(store_reader_new(race->fixture->store, &reader) == SL_OK);
        }
    }
    store_reader_free(reader);
    return NULL;
}

/* --- rewriting ------------------------------------------------------------------------------- */

static void *rewrite_on(void *context)
{
    struct race *race = context;
    struct store_rewriting run = {0};
    struct store_problem problem;
    while (!atomic_load(&race->done)) {
        enum sl_err err = store_rewrite(race->fixture->store, &run, &problem);
        if (err != SL_OK)
            fprintf(stderr, "%s\n", problem.text);
        SL_ASSERT(err == SL_OK);
        /* Not all did something, but the writer erases all the time. */
        atomic_fetch_add(&race->n_rewrites, 1);
    }
    return NULL;
}

/* --- changing -------------------------------------------------------------------------------- */

static void put(struct race *race, unsigned s)
{
    struct twin *twin = &race->twins[s];
    char yaml[32], blob[32];
    struct store_change change = fixture_change(twin->name, twin->id, twin->version, yaml, blob);
    SL_ASSERT(store_put_policy(race->fixture->store, &change, NULL) == SL_OK);
    twin->exists = true;
    twin->version++;
}

static void set_account(struct race *race, unsigned s)
{
    struct twin *twin = &race->twins[s];
    snprintf(twin->user, sizeof twin->user, "u-%08x.", pick(&race->random, 1u << 30));
    SL_ASSERT(store_set_account(race->fixture->store, twin->id, slice_of_str("waze"),
                                slice_of_str(twin->user), NULL) == SL_OK);
}

static struct store_allowance allowance_of(const struct twin *twin)
{
    return (struct store_allowance){.owner = store_owner_of_consent(twin->id, slice_of_str("c1")),
                                    .end_s = 86400,
                                    .at_most = UINT32_MAX,
                                    .n_uses = 1};
}

static void use(struct race *race, unsigned s)
{
    struct store_allowance allowance = allowance_of(&race->twins[s]);
    SL_ASSERT(store_charge(race->fixture->store, 0, &allowance, 1) == SL_OK);
    SL_ASSERT(store_batch_commit(race->fixture->store) == SL_OK);
    race->twins[s].n_used++;
}

static void be_born(struct race *race, unsigned s)
{
    struct twin *twin = &race->twins[s];
    memset(twin, 0, sizeof *twin);
    /* At times the name of one who is gone: somebody else, whose name it is now. */
    snprintf(twin->name, sizeof twin->name, "n-%08x.", pick(&race->random, 1u << 30));
    store_new_id(twin->id);
    pthread_mutex_lock(&race->lock);
    memcpy(race->ids[s], twin->id, sizeof twin->id);
    pthread_mutex_unlock(&race->lock);
}

static void forget(struct race *race, const char *text)
{
    if (text[0] && race->n_gone < GONE_MAX)
        memcpy(race->gone[race->n_gone++], text, sizeof race->gone[0]);
}

static void erase(struct race *race, unsigned s)
{
    struct twin *twin = &race->twins[s];
    uint64_t number;
    struct store_erasure erasure = {.expected_version = twin->version,
                                    .pending = slice_of_str("end")};
    memcpy(erasure.id, twin->id, sizeof erasure.id);
    SL_ASSERT(store_erase(race->fixture->store, &erasure, &number) == SL_OK);
    forget(race, twin->name);
    forget(race, twin->user);
    be_born(race, s);
}

static void change_something(struct race *race)
{
    unsigned s = pick(&race->random, SUBJECTS);
    struct twin *twin = &race->twins[s];
    switch (twin->exists ? pick(&race->random, 12) : 0) {
    case 6:
        set_account(race, s);
        break;
    case 7:
        erase(race, s);
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        use(race, s);
        break;
    default:
        put(race, s);
    }
}

/* --- the end --------------------------------------------------------------------------------- */

static void assert_as_the_twin(struct race *race)
{
    struct store *store = race->fixture->store;
    SL_AUTO(store_reader) reader = NULL;
    unsigned n_keys = 0, n_exist = 0;
    assert_int_equal(store_reader_new(store, &reader), SL_OK);
    for (unsigned s = 0; s < SUBJECTS; s++) {
        const struct twin *twin = &race->twins[s];
        struct store_subject subject;
        struct store_version version;
        uint8_t id[16];
        bool found = false;
        n_exist += twin->exists;
        assert_int_equal(store_find(reader, slice_of_str(twin->name), id, &found), SL_OK);
        assert_int_equal(found, twin->exists);
        if (!found)
            continue;
        assert_memory_equal(id, twin->id, sizeof id);
        assert_int_equal(store_read(reader, id, &subject), SL_OK);
        assert_int_equal(subject.version, twin->version);
        struct store_allowance allowance = allowance_of(twin);
        assert_int_equal(store_uses_read(reader, &allowance, 1), SL_OK);
        assert_int_equal(allowance.n_used, twin->n_used);
        assert_true(slice_equals_str(store_account(&subject, slice_of_str("waze")),
                                     twin->user[0] ? twin->user : twin->name));
        for (uint64_t v = 1; v <= twin->version; v++) {
            assert_int_equal(store_version_get(reader, id, v, &version, &found), SL_OK);
            assert_true(found);
        }
    }
    store_read_end(reader);
    assert_int_equal(store_each_key(reader, count_key, &n_keys), SL_OK);
    assert_int_equal(n_keys, n_exist);
}

static void reading_and_changing_go_on_while_the_store_is_written_anew(void **state)
{
    struct race *race = calloc(1, sizeof *race);
    pthread_t readers[READERS], rewriter;
    struct store_rewriting run = {0};
    struct store_problem problem;
    assert_non_null(race);
    race->fixture = *state;
    race->random = 42;
    pthread_mutex_init(&race->lock, NULL);
    for (unsigned s = 0; s < SUBJECTS; s++)
        be_born(race, s);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, race), 0);
    assert_int_equal(pthread_create(&rewriter, NULL, rewrite_on, race), 0);
    while (atomic_load(&race->n_rewrites) < REWRITES || race->n_gone < REWRITES)
        change_something(race);
    atomic_store(&race->done, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(pthread_join(rewriter, NULL), 0);
    assert_true(atomic_load(&race->n_reads) > 0);

    assert_as_the_twin(race);
    assert_int_equal(store_rewrite(race->fixture->store, &run, &problem), SL_OK);
    assert_as_the_twin(race);
    for (unsigned i = 0; i < race->n_gone; i += 1 + race->n_gone / 64)
        assert_false(raw_holds(race->fixture->root, slice_of_str(race->gone[i])));
    pthread_mutex_destroy(&race->lock);
    free(race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reading_and_changing_go_on_while_the_store_is_written_anew,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
