/*
 * test_model.c - random operations on the store and on a naive twin in arrays; both must agree
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUBJECTS = 8, APPS = 3, VERSIONS_MAX = 64, STEPS = 1500 };

struct twin {
    bool exists;
    uint8_t id[16];
    uint64_t version;
    char users[APPS][16]; /* "" for none */
};

static const char *const names[SUBJECTS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const apps[APPS] = {"waze", "spotify", "strava"};

struct model {
    struct fixture *fixture;
    struct twin twins[SUBJECTS];
    uint64_t n_changes, n_done;
    uint64_t random;
};

static unsigned pick(struct model *model, unsigned n)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(model->random >> 33) % n;
}

/* By brute force: what each subject is called at an app now. */
static const char *user_of(const struct model *model, unsigned s, unsigned app)
{
    const struct twin *twin = &model->twins[s];
    return twin->users[app][0] ? twin->users[app] : names[s];
}

/* Whether another subject than `s` is called `user` at `app`. */
static bool is_taken(const struct model *model, unsigned s, unsigned app, const char *user)
{
    for (unsigned other = 0; other < SUBJECTS; other++) {
        if (other != s && model->twins[other].exists &&
            strcmp(user_of(model, other, app), user) == 0)
            return true;
    }
    return false;
}

static bool is_taken_anywhere(const struct model *model, unsigned s)
{
    for (unsigned app = 0; app < APPS; app++) {
        if (is_taken(model, s, app, names[s]))
            return true;
    }
    return false;
}

static void step_add(struct model *model, unsigned s)
{
    struct twin *twin = &model->twins[s];
    uint8_t id[16];
    enum store_refusal why = STORE_UNKNOWN;
    enum sl_err err = store_add_subject(model->fixture->store, slice_of_str(names[s]), id, &why);
    bool taken = !twin->exists && is_taken_anywhere(model, s);
    assert_int_equal(err, twin->exists || taken ? SL_EMALFORMED : SL_OK);
    if (err != SL_OK) {
        assert_int_equal(why, taken ? STORE_TAKEN : STORE_CONFLICT);
        return;
    }
    twin->exists = true;
    memcpy(twin->id, id, sizeof id);
}

static void step_put(struct model *model, unsigned s)
{
    struct twin *twin = &model->twins[s];
    char yaml[32], blob[32];
    uint8_t id[16];
    memcpy(id, twin->id, sizeof id);
    if (!twin->exists)
        store_new_id(id);
    /* Mostly the right version, at times one too low or too high. */
    uint64_t expected = twin->version + (pick(model, 6) == 0);
    expected -= expected > 0 && pick(model, 6) == 0;
    if (expected >= VERSIONS_MAX)
        return;
    struct store_change change = fixture_change(names[s], id, expected, yaml, blob);
    enum store_refusal why = STORE_UNKNOWN;
    change.why = &why;
    enum sl_err err = store_put_policy(model->fixture->store, &change, NULL);
    bool taken = !twin->exists && expected == 0 && is_taken_anywhere(model, s);
    assert_int_equal(err, expected == twin->version && !taken ? SL_OK : SL_EMALFORMED);
    if (err != SL_OK) {
        assert_int_equal(why, taken ? STORE_TAKEN : STORE_CONFLICT);
        return;
    }
    model->n_changes++;
    twin->exists = true;
    memcpy(twin->id, id, sizeof id);
    twin->version++;
}

static void step_account(struct model *model, unsigned s)
{
    struct twin *twin = &model->twins[s];
    unsigned app = pick(model, APPS);
    char user[16] = "";
    /* A name or one of few others, so that subjects meet. */
    switch (pick(model, 3)) {
    case 0:
        snprintf(user, sizeof user, "user-%u", pick(model, 6));
        break;
    case 1:
        snprintf(user, sizeof user, "%s", names[pick(model, SUBJECTS)]);
        break;
    default:
        break;
    }
    enum store_refusal why = STORE_CONFLICT;
    enum sl_err err = store_set_account(model->fixture->store, twin->id, slice_of_str(apps[app]),
                                        slice_of_str(user), &why);
    bool taken = is_taken(model, s, app, user[0] ? user : names[s]);
    assert_int_equal(err, twin->exists && !taken ? SL_OK : SL_EMALFORMED);
    if (err == SL_OK)
        memcpy(twin->users[app], user, sizeof user);
    else
        assert_int_equal(why, twin->exists ? STORE_TAKEN : STORE_UNKNOWN);
}

/* As the recorder does: what came before is durable by then. */
static void step_erase(struct model *model, unsigned s)
{
    struct twin *twin = &model->twins[s];
    enum store_refusal why = STORE_TAKEN;
    uint64_t number = 0;
    bool is_late = twin->version > 0 && pick(model, 4) == 0;
    struct store_erasure erasure = {
        .expected_version = twin->version - is_late, .pending = slice_of_str("end"), .why = &why};
    memcpy(erasure.id, twin->id, sizeof erasure.id);
    enum sl_err err = store_erase(model->fixture->store, &erasure, &number);
    assert_int_equal(err, twin->exists && !is_late ? SL_OK : SL_EMALFORMED);
    if (err != SL_OK) {
        assert_int_equal(why, twin->exists ? STORE_CONFLICT : STORE_UNKNOWN);
        return;
    }
    assert_int_equal(number, ++model->n_changes);
    model->n_done = number - 1;
    memset(twin, 0, sizeof *twin);
    store_new_id(twin->id); /* somebody else, under the same name */
}

static void step_done(struct model *model)
{
    uint64_t n = pick(model, (unsigned)model->n_changes + 1);
    assert_int_equal(store_pending_done(model->fixture->store, n, pick(model, 2) == 0), SL_OK);
    if (n > model->n_done)
        model->n_done = n;
}

static void compare_subject(struct model *model, struct store_reader *reader, unsigned s)
{
    const struct twin *twin = &model->twins[s];
    struct store_subject subject;
    uint8_t id[16];
    bool found;
    assert_int_equal(store_find(reader, slice_of_str(names[s]), id, &found), SL_OK);
    assert_int_equal(found, twin->exists);
    if (!found)
        return;
    assert_memory_equal(id, twin->id, sizeof id);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(subject.found);
    assert_int_equal(subject.version, twin->version);
    char yaml[32], blob[32];
    for (uint64_t v = 1; v <= twin->version + 1; v++) {
        struct store_change change = fixture_change(names[s], id, v - 1, yaml, blob);
        struct store_version version;
        assert_int_equal(store_version_get(reader, id, v, &version, &found), SL_OK);
        assert_int_equal(found, v <= twin->version);
        if (found)
            assert_true(slice_equals(version.yaml, change.yaml));
        if (v == twin->version)
            assert_true(slice_equals(subject.blob, change.blob));
    }
    for (unsigned app = 0; app < APPS; app++) {
        const char *expected = user_of(model, s, app);
        assert_true(slice_equals_str(store_account(&subject, slice_of_str(apps[app])), expected));
        assert_false(is_taken(model, s, app, expected));
    }
    store_read_end(reader);
}

/* *context: the last that was visited. */
static bool take_pending(void *context, uint64_t number, struct slice pending)
{
    uint64_t *last = context;
    (void)pending;
    assert_int_equal(number, ++*last);
    return true;
}

static void compare(struct model *model)
{
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(model->fixture->store, &reader), SL_OK);
    for (unsigned s = 0; s < SUBJECTS; s++)
        compare_subject(model, reader, s);
    uint64_t n_changes;
    assert_int_equal(store_n_changes(model->fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, model->n_changes);

    uint64_t last = model->n_done;
    assert_int_equal(store_pending_each(model->fixture->store, take_pending, &last), SL_OK);
    assert_int_equal(last, model->n_changes);
}

/* Notes that were done but not yet deleted would come back: make them final first. */
static void reopen(struct model *model)
{
    assert_int_equal(store_pending_done(model->fixture->store, 0, true), SL_OK);
    fixture_close(model->fixture);
    fixture_open(model->fixture);
}

static void random_operations_agree_with_a_naive_twin(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->fixture = *state;
    const char *seed = getenv("SLUIS_TEST_SEED");
    model->random = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("SLUIS_TEST_SEED=%llu\n", (unsigned long long)model->random);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned s = pick(model, SUBJECTS);
        switch (pick(model, 13)) {
        case 0:
            step_add(model, s);
            break;
        case 1:
        case 2:
            step_account(model, s);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            step_done(model);
            break;
        case 7:
            step_erase(model, s);
            break;
        default:
            step_put(model, s);
        }
        if (i % 50 == 0)
            compare(model);
        if (i % 300 == 299)
            reopen(model);
    }
    compare(model);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations_agree_with_a_naive_twin, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
