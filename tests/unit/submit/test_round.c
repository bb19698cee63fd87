/*
 * A checkpoint and the lines under it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/tlog_policy.h"
#include "signing.h"
#include "submit/round.h"

#include <stdio.h>
#include <string.h>

#define TEXT "log.example/1\n3\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"

static struct round round_of;
static struct signing the_log;
static uint8_t note[WITNESSED_NOTE_BYTES_MAX];

static void begin(uint64_t size)
{
    struct ledger_head head = {.tree.size = size};
    struct writer writer = writer_over(head.note, sizeof head.note);
    signing_init(&the_log, "log.example/1", VKEY_ED25519, 1);
    write_str(&writer, TEXT "\n");
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    head.note_n = writer.n;
    round_begin(&round_of, &head, 5);
}

static void add(size_t place, const char *name, uint8_t seed)
{
    struct signing witness;
    uint8_t line[COSIGNATURE_LINE_BYTES_MAX];
    struct writer writer = writer_over(line, sizeof line);
    signing_init(&witness, name, VKEY_COSIGNATURE, seed);
    signing_write_line(&witness, slice_of_str(TEXT), 1700000000, &writer);
    round_add(&round_of, place, writer_slice(&writer));
}

static struct slice written(void)
{
    struct writer writer = writer_over(note, sizeof note);
    write_round(&writer, &round_of);
    assert_false(writer.overflow);
    return writer_slice(&writer);
}

static void lines_stand_in_the_order_of_the_trust_file_each_once(void **state)
{
    (void)state;
    char trust[1024];
    struct signing a, b;
    struct tlog_policy policy;
    struct tlog_policy_problem problem;
    struct tlog_policy_found found;
    begin(3);
    add(1, "b.example", 11);
    add(0, "a.example", 10);
    add(1, "b.example", 11);
    assert_int_equal(round_of.n_lines, 2);
    signing_init(&a, "a.example", VKEY_COSIGNATURE, 10);
    signing_init(&b, "b.example", VKEY_COSIGNATURE, 11);
    snprintf(trust, sizeof trust, "log %s\nwitness a %s\nwitness b %s\ngroup g all a b\nquorum g\n",
             the_log.vkey_text, a.vkey_text, b.vkey_text);
    assert_int_equal(tlog_policy_parse(slice_of_str(trust), &problem, &policy), SL_OK);
    struct slice text = written();
    assert_int_equal(tlog_policy_check(&policy, text, &found), TLOG_POLICY_HOLDS);
    assert_int_equal(found.n_witnesses, 2);
    const uint8_t *first = memmem(text.p, text.n, "a.example", 9);
    const uint8_t *second = memmem(text.p, text.n, "b.example", 9);
    assert_true(first && second && first < second);
}

static void the_next_round_begins_with_none(void **state)
{
    (void)state;
    round_of.number = 0;
    begin(3);
    add(0, "a.example", 10);
    round_of.has_quorum = true;
    begin(4);
    assert_int_equal(round_of.number, 2);
    assert_int_equal(round_of.n_lines, 0);
    assert_false(round_of.has_quorum);
    assert_int_equal(round_of.taken_ms, 5);
    assert_true(slice_equals(written(), slice_of(round_of.head.note, round_of.head.note_n)));
}

static void a_note_has_as_many_signatures_as_can_be_read(void **state)
{
    (void)state;
    struct tlog_policy policy;
    struct tlog_policy_found found;
    begin(3);
    for (size_t i = 0; i < TLOG_POLICY_WITNESSES_MAX; i++)
        add(i, "a.example", (uint8_t)(10 + i));
    assert_int_equal(round_of.n_lines, NOTE_SIGNATURES_MAX - 1);
    tlog_policy_of_log(&the_log.vkey, &policy);
    assert_int_equal(tlog_policy_check(&policy, written(), &found), TLOG_POLICY_HOLDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stand_in_the_order_of_the_trust_file_each_once),
        cmocka_unit_test(the_next_round_begins_with_none),
        cmocka_unit_test(a_note_has_as_many_signatures_as_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
