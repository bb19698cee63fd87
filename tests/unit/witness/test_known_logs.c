/*
 * Logs by their origins, however many, in whatever order they were given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "signing.h"
#include "witness/known_logs.h"

#include <stdio.h>
#include <string.h>

enum { N_LOGS = 200 };

static void each_log_is_found_by_its_origin_and_by_its_hash(void **state)
{
    (void)state;
    static struct signing signings[N_LOGS];
    struct vkey keys[N_LOGS];
    for (size_t i = 0; i < N_LOGS; i++) {
        char name[64];
        snprintf(name, sizeof name, "log.example/%zu", i * 37 % N_LOGS);
        signing_init(&signings[i], name, VKEY_ED25519, (uint8_t)i);
        keys[i] = signings[i].vkey;
    }
    SL_AUTO(known_logs) logs = NULL;
    assert_int_equal(known_logs_new(keys, N_LOGS, &logs), SL_OK);
    assert_int_equal(logs->n, N_LOGS);
    for (size_t i = 0; i < N_LOGS; i++) {
        struct known_log *log = known_logs_find(logs, keys[i].name);
        assert_non_null(log);
        assert_int_equal(log->n_keys, 1);
        assert_memory_equal(log->keys[0].key, keys[i].key, NOTE_KEY_BYTES);
        assert_ptr_equal(known_logs_find_hash(logs, slice_of_str(log->hash)), log);
    }
    assert_null(known_logs_find(logs, slice_of_str("log.example/")));
    assert_null(known_logs_find(logs, slice_of_str("log.example/200")));
    assert_null(known_logs_find(logs, slice_of(NULL, 0)));
    assert_null(known_logs_find_hash(logs, slice_of_str("log.example/1")));
}

/* Of "abc", as FIPS 180-4 has it. */
static void the_hash_is_sha256_in_lower_case(void **state)
{
    (void)state;
    struct signing signing;
    signing_init(&signing, "abc", VKEY_ED25519, 1);
    SL_AUTO(known_logs) logs = NULL;
    assert_int_equal(known_logs_new(&signing.vkey, 1, &logs), SL_OK);
    assert_string_equal(logs->list[0].hash,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void keys_of_one_origin_are_one_log_and_twins_count_once(void **state)
{
    (void)state;
    struct signing first, second, other;
    signing_init(&first, "a.example", VKEY_ED25519, 1);
    signing_init(&second, "a.example", VKEY_ED25519, 2);
    signing_init(&other, "b.example", VKEY_ED25519, 1);
    const struct vkey keys[] = {second.vkey, other.vkey, first.vkey, second.vkey, other.vkey};
    SL_AUTO(known_logs) logs = NULL;
    assert_int_equal(known_logs_new(keys, SL_LENGTH(keys), &logs), SL_OK);
    assert_int_equal(logs->n, 2);
    assert_int_equal(known_logs_find(logs, slice_of_str("a.example"))->n_keys, 2);
    assert_int_equal(known_logs_find(logs, slice_of_str("b.example"))->n_keys, 1);
}

static void no_log_is_known_to_an_empty_list(void **state)
{
    (void)state;
    SL_AUTO(known_logs) logs = NULL;
    assert_int_equal(known_logs_new(NULL, 0, &logs), SL_OK);
    assert_int_equal(logs->n, 0);
    assert_null(known_logs_find(logs, slice_of_str("a.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_log_is_found_by_its_origin_and_by_its_hash),
        cmocka_unit_test(the_hash_is_sha256_in_lower_case),
        cmocka_unit_test(keys_of_one_origin_are_one_log_and_twins_count_once),
        cmocka_unit_test(no_log_is_known_to_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
