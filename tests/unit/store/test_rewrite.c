/*
 * test_rewrite.c - a store written anew holds what it held, and its files hold nothing else
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people.h"
#include "raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    struct fixture *fixture;
    uint8_t kek[32];
    struct person people[PEOPLE];
    struct store_rewriting run;
    struct store_problem problem;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    void *fixture;
    SL_ASSERT(scene);
    fixture_setup_closed(&fixture);
    scene->fixture = fixture;
    people_make(scene->fixture, scene->kek, scene->people);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;
    fixture_teardown(&fixture);
    free(scene);
    return 0;
}

static struct store *store_of(struct scene *scene)
{
    return scene->fixture->store;
}

static void assert_clean(struct scene *scene, bool expected)
{
    bool clean = !expected;
    assert_int_equal(store_is_clean(store_of(scene), &clean), SL_OK);
    assert_int_equal(clean, expected);
}

static void rewrite(struct scene *scene)
{
    enum sl_err err = store_rewrite(store_of(scene), &scene->run, &scene->problem);
    if (err != SL_OK)
        fail_msg("%s", scene->problem.text);
    assert_string_equal(scene->problem.text, "");
    assert_clean(scene, true);
}

static void reopen(struct scene *scene)
{
    fixture_close(scene->fixture);
    fixture_open(scene->fixture);
}

/* Person 1 was erased, all others are as they were. */
static void assert_people(struct scene *scene)
{
    for (size_t i = 0; i < PEOPLE; i++)
        assert_true(i == 1 ? person_is_gone(store_of(scene), &scene->people[i])
                           : person_is_there(store_of(scene), &scene->people[i]));
}

static void every_file_forgets_an_erased_subject_and_the_old_key(void **state)
{
    struct scene *scene = *state;
    const char *root = scene->fixture->root;
    const struct person *gone = &scene->people[1], *stays = &scene->people[2];
    struct slice kek = slice_of(scene->kek, sizeof scene->kek);
    assert_int_equal(person_erase(store_of(scene), gone), SL_OK);
    assert_people(scene);
    assert_clean(scene, false);
    /* Free pages remember: without the rewrite this test would fail below. */
    assert_true(raw_holds(root, slice_of_str(gone->name)));
    assert_true(raw_holds(root, slice_of(gone->id, sizeof gone->id)));
    assert_true(raw_holds(root, slice_of(gone->wrapped, sizeof gone->wrapped)));
    assert_true(raw_holds(root, kek));

    rewrite(scene);
    assert_people(scene);
    assert_false(person_is_in_files(root, gone));
    assert_true(person_is_in_files(root, stays));
    assert_false(raw_holds(root, kek));
    assert_false(raw_holds(root, slice_of(stays->wrapped, sizeof stays->wrapped)));
    assert_int_equal(raw_n_entries(root), 4); /* key, folder, data, lock */
    reopen(scene);
    assert_people(scene);
    assert_clean(scene, true);
}

static bool count_note(void *context, uint64_t number, struct slice pending)
{
    assert_true(slice_equals_str(pending, "the last receipt"));
    *(uint64_t *)context += number;
    return true;
}

static bool count_words(void *context, uint32_t version, const uint8_t sha256[32],
                        struct slice text)
{
    (void)version, (void)sha256, (void)text;
    ++*(unsigned *)context;
    return true;
}

static void what_is_nobodys_comes_along(void **state)
{
    struct scene *scene = *state;
    bool matches = false;
    uint64_t n_changes = 0, numbers = 0;
    unsigned n_words = 0;
    assert_int_equal(store_pin(store_of(scene), "a", slice_of_str("pin"), &matches), SL_OK);
    assert_int_equal(person_erase(store_of(scene), &scene->people[1]), SL_OK);
    rewrite(scene);
    assert_int_equal(store_pin(store_of(scene), "a", slice_of_str("other"), &matches), SL_OK);
    assert_false(matches);
    assert_int_equal(store_n_changes(store_of(scene), &n_changes), SL_OK);
    assert_int_equal(n_changes, PEOPLE * PERSON_VERSIONS + 1);
    assert_int_equal(store_pending_each(store_of(scene), count_note, &numbers), SL_OK);
    assert_int_equal(numbers, n_changes);
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(store_of(scene), &reader), SL_OK);
    assert_int_equal(store_each_vocabulary(reader, count_words, &n_words), SL_OK);
    assert_int_equal(n_words, 1);
}

static void a_store_that_owes_nothing_stays_as_it_is(void **state)
{
    struct scene *scene = *state;
    assert_clean(scene, true);
    rewrite(scene);
    assert_true(raw_holds(scene->fixture->root, slice_of(scene->kek, sizeof scene->kek)));
}

static void several_erasures_are_paid_at_once(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(person_erase(store_of(scene), &scene->people[i]), SL_OK);
    rewrite(scene);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_int_equal(person_is_in_files(scene->fixture->root, &scene->people[i]), i >= 3);
}

static void an_idle_reader_moves_over_and_one_that_reads_is_waited_for(void **state)
{
    struct scene *scene = *state;
    SL_AUTO(store_reader) idle = NULL;
    SL_AUTO(store_reader) reading = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(store_of(scene), &idle), SL_OK);
    assert_int_equal(store_reader_new(store_of(scene), &reading), SL_OK);
    assert_int_equal(person_erase(store_of(scene), &scene->people[1]), SL_OK);
    assert_int_equal(store_read(reading, scene->people[2].id, &subject), SL_OK);
    struct slice blob_before = subject.blob;

    enum sl_err err = store_rewrite(store_of(scene), &scene->run, &scene->problem);
    assert_int_equal(err, SL_ETIMEOUT);
    assert_non_null(strstr(scene->problem.text, "still reads"));
    assert_clean(scene, false);
    assert_people(scene); /* new readers see the new store */
    assert_true(slice_equals_str(blob_before, "blob of person-02., version 3"));
    store_read_end(reading);
    rewrite(scene);
    assert_false(person_is_in_files(scene->fixture->root, &scene->people[1]));

    assert_int_equal(store_read(idle, scene->people[2].id, &subject), SL_OK);
    assert_true(subject.found);
    assert_int_equal(store_read(reading, scene->people[1].id, &subject), SL_OK);
    assert_false(subject.found);
}

/* A tool in another process: reads, until its standard input is closed. */
static pid_t start_tool(struct scene *scene, int *to_tool)
{
    int ready[2], go[2];
    char byte = 0;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    fixture_close(scene->fixture); /* LMDB does not survive a fork */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_problem problem;
        struct store *store = NULL;
        close(go[1]);
        bool good = store_open(scene->fixture->folder, scene->fixture->key, true, &problem,
                               &store) == SL_OK &&
                    person_is_there(store, &scene->people[1]) && write(ready[1], &byte, 1) == 1 &&
                    read(go[0], &byte, 1) == 0 && person_is_gone(store, &scene->people[1]) &&
                    person_is_there(store, &scene->people[2]);
        store_free(store);
        _exit(good ? 0 : 1);
    }
    close(go[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    fixture_open(scene->fixture);
    *to_tool = go[1];
    return child;
}

static void a_tool_that_reads_the_old_store_reads_on_and_is_waited_for(void **state)
{
    struct scene *scene = *state;
    int to_tool, status;
    pid_t tool = start_tool(scene, &to_tool);
    assert_int_equal(person_erase(store_of(scene), &scene->people[1]), SL_OK);
    enum sl_err err = store_rewrite(store_of(scene), &scene->run, &scene->problem);
    assert_int_equal(err, SL_ETIMEOUT);
    assert_people(scene);
    assert_clean(scene, false);
    close(to_tool);
    assert_int_equal(waitpid(tool, &status, 0), tool);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rewrite(scene);
    assert_false(person_is_in_files(scene->fixture->root, &scene->people[1]));
}

static void a_rewrite_that_is_stopped_is_begun_anew(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(person_erase(store_of(scene), &scene->people[1]), SL_OK);
    atomic_store(&scene->run.stop, true);
    assert_int_equal(store_rewrite(store_of(scene), &scene->run, &scene->problem), SL_ETIMEOUT);
    assert_clean(scene, false);
    reopen(scene);
    assert_people(scene);
    atomic_store(&scene->run.stop, false);
    rewrite(scene);
    assert_false(person_is_in_files(scene->fixture->root, &scene->people[1]));
}

/* As a crash between the two exchanges leaves it. */
static void a_key_that_lost_its_name_gets_it_back(void **state)
{
    struct scene *scene = *state;
    char aside[128];
    uint8_t other[32] = {1};
    snprintf(aside, sizeof aside, "%s.aside", scene->fixture->key);
    fixture_close(scene->fixture);
    assert_int_equal(rename(scene->fixture->key, aside), 0);
    fixture_write_key(scene->fixture->key, 0x77, 32, 0600);
    struct store_problem problem;
    struct store *tool = NULL;
    assert_int_equal(store_open(scene->fixture->folder, scene->fixture->key, true, &problem, &tool),
                     SL_OK);
    store_free(tool);
    fixture_open(scene->fixture);
    assert_clean(scene, false);
    rewrite(scene);
    assert_int_equal(access(aside, F_OK), -1);
    memset(other, 0x77, sizeof other);
    assert_false(raw_holds(scene->fixture->root, slice_of(other, sizeof other)));
    assert_true(raw_holds(scene->fixture->root, slice_of(scene->kek, sizeof scene->kek)));
    reopen(scene);
    assert_true(person_is_there(store_of(scene), &scene->people[0]));
}

static void what_is_aside_and_is_no_store_is_said_and_left_alone(void **state)
{
    struct scene *scene = *state;
    char aside[160], stranger[192];
    snprintf(aside, sizeof aside, "%s.aside", scene->fixture->folder);
    snprintf(stranger, sizeof stranger, "%s/notes.txt", aside);
    assert_int_equal(mkdir(aside, 0700), 0);
    fixture_write_key(stranger, 'n', 8, 0600);
    assert_int_equal(person_erase(store_of(scene), &scene->people[1]), SL_OK);
    assert_int_equal(store_rewrite(store_of(scene), &scene->run, &scene->problem), SL_ESTORE);
    assert_non_null(strstr(scene->problem.text, "not empty"));
    assert_int_equal(unlink(stranger), 0);
    rewrite(scene);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(every_file_forgets_an_erased_subject_and_the_old_key),
        SCENE(what_is_nobodys_comes_along),
        SCENE(a_store_that_owes_nothing_stays_as_it_is),
        SCENE(several_erasures_are_paid_at_once),
        SCENE(an_idle_reader_moves_over_and_one_that_reads_is_waited_for),
        SCENE(a_tool_that_reads_the_old_store_reads_on_and_is_waited_for),
        SCENE(a_rewrite_that_is_stopped_is_begun_anew),
        SCENE(a_key_that_lost_its_name_gets_it_back),
        SCENE(what_is_aside_and_is_no_store_is_said_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
