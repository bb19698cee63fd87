/*
 * What is known of a witness, whatever it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "submit/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1000000, EVERY = 2000 };

static struct peer peer;
static struct round round_of;

static int setup(void **state)
{
    (void)state;
    peer_init(&peer, slice_of_str("north"), true);
    memset(&round_of, 0, sizeof round_of);
    return 0;
}

static void ask(uint64_t size)
{
    struct ledger_head head = {.tree.size = size, .note_n = 3};
    memcpy(head.note, "abc", 3);
    if (round_of.head.tree.size != size)
        round_begin(&round_of, &head, NOW);
    peer_asked(&peer, &round_of, peer_old_size(&peer, size));
}

static struct peer_pause pause_with(uint32_t jitter)
{
    return (struct peer_pause){NOW, EVERY, jitter};
}

static void reply(enum reply_kind kind, uint64_t size, uint64_t ledger_size)
{
    struct reply one = {.kind = kind, .size = size, .why = "because"};
    peer_replied(&peer, &one, ledger_size, pause_with(0));
}

static void a_cosignature_moves_it_on(void **state)
{
    (void)state;
    ask(5);
    assert_int_equal(peer.asked_old_size, 0);
    assert_true(peer_is_due(&peer, &round_of, NOW));
    reply(REPLY_COSIGNED, 0, 5);
    assert_int_equal(peer.fact.state, WITNESS_AGREES);
    assert_int_equal(peer.fact.size, 5);
    assert_false(peer_is_due(&peer, &round_of, NOW));
    assert_int_equal(peer_old_size(&peer, 9), 5);
    ask(9);
    assert_true(peer_is_due(&peer, &round_of, NOW));
    assert_int_equal(peer.asked_old_size, 5);
}

static void another_size_is_asked_from_at_once_but_only_once(void **state)
{
    (void)state;
    ask(9);
    reply(REPLY_SIZE, 4, 9);
    assert_int_equal(peer.fact.state, WITNESS_UNKNOWN); /* no failure */
    assert_true(peer_is_due(&peer, &round_of, NOW));
    assert_int_equal(peer_old_size(&peer, 9), 4);
    ask(9);
    reply(REPLY_SIZE, 3, 9);
    assert_int_equal(peer.fact.state, WITNESS_FAILS);
    assert_non_null(strstr(peer.fact.text, "409 each time"));
    assert_false(peer_is_due(&peer, &round_of, NOW + EVERY - 1));
    assert_true(peer_is_due(&peer, &round_of, NOW + EVERY));
}

static void more_than_the_ledger_has_is_a_disagreement(void **state)
{
    (void)state;
    ask(9);
    reply(REPLY_SIZE, 10, 9);
    assert_int_equal(peer.fact.state, WITNESS_DISAGREES);
    assert_non_null(strstr(peer.fact.text, "10 receipts"));
    assert_int_equal(peer_old_size(&peer, 9), 0);
    /* More than the round has, but not than there are by now: the next round will do. */
    setup(NULL);
    ask(9);
    reply(REPLY_SIZE, 10, 11);
    assert_int_equal(peer.fact.state, WITNESS_UNKNOWN);
    assert_int_equal(peer_old_size(&peer, 11), 10);
    assert_int_equal(peer_old_size(&peer, 9), 0);
    assert_true(peer_wants_round(&peer, &round_of));
    assert_false(peer_is_due(&peer, &round_of, NOW));
    ask(11);
    assert_false(peer_wants_round(&peer, &round_of));
    assert_true(peer_is_due(&peer, &round_of, NOW));
    /* It can call for a round of its own only once, too. */
    reply(REPLY_SIZE, 12, 13);
    assert_false(peer_wants_round(&peer, &round_of));
    assert_non_null(strstr(peer.fact.text, "somebody else has it cosign this ledger"));
}

static void a_disagreement_stands_until_it_cosigns_again(void **state)
{
    (void)state;
    ask(9);
    reply(REPLY_SIZE, 10, 9);
    assert_int_equal(peer.fact.state, WITNESS_DISAGREES);
    ask(9);
    reply(REPLY_FAILED, 0, 9);
    assert_int_equal(peer.fact.state, WITNESS_DISAGREES);
    assert_non_null(strstr(peer.fact.text, "10 receipts"));
    ask(12);
    reply(REPLY_SIZE, 11, 12);
    ask(12);
    reply(REPLY_SIZE, 10, 12); /* 409 each time */
    assert_int_equal(peer.fact.state, WITNESS_DISAGREES);
    assert_non_null(strstr(peer.fact.text, "10 receipts"));
    ask(12);
    reply(REPLY_DISAGREES, 0, 12);
    assert_string_equal(peer.fact.text, "because"); /* the newest word is told */
    ask(12);
    reply(REPLY_COSIGNED, 0, 12);
    assert_int_equal(peer.fact.state, WITNESS_AGREES);
    assert_string_equal(peer.fact.text, "");
    ask(13);
    reply(REPLY_FAILED, 0, 13);
    assert_int_equal(peer.fact.state, WITNESS_FAILS);
}

static void pauses_grow_up_to_their_limit_and_end_with_a_cosignature(void **state)
{
    (void)state;
    ask(3);
    uint64_t expected = EVERY;
    for (int i = 0; i < 100; i++) {
        reply(REPLY_FAILED, 0, 3);
        assert_int_equal(peer.next_ms, NOW + (int64_t)expected);
        expected =
            2 * expected < LIMIT_MAX_witness_pause_ms ? 2 * expected : LIMIT_MAX_witness_pause_ms;
    }
    assert_int_equal(expected, LIMIT_MAX_witness_pause_ms);
    reply(REPLY_COSIGNED, 0, 3);
    assert_int_equal(peer.next_ms, 0);
    reply(REPLY_FAILED, 0, 3);
    assert_int_equal(peer.next_ms, NOW + EVERY);
}

static void jitter_takes_up_to_a_quarter_off(void **state)
{
    (void)state;
    for (uint32_t jitter = 0; jitter < 3 * EVERY; jitter += 7) {
        peer_init(&peer, slice_of_str("north"), true);
        peer_failed(&peer, WITNESS_FAILS, "why", pause_with(jitter));
        assert_in_range(peer.next_ms - NOW, EVERY - EVERY / 4, EVERY);
    }
    peer_failed(&peer, WITNESS_FAILS, "why", pause_with(UINT32_MAX));
    assert_in_range(peer.next_ms - NOW, 2 * EVERY - EVERY / 2, 2 * EVERY);
}

static void what_a_witness_says_is_made_printable(void **state)
{
    (void)state;
    peer_failed(&peer, WITNESS_FAILS, "red \x1b[31m\n", pause_with(0));
    assert_string_equal(peer.fact.text, "red \\x1b[31m\\x0a");
}

static void one_without_a_url_is_never_due(void **state)
{
    (void)state;
    peer_init(&peer, slice_of_str("paper"), false);
    ask(3);
    assert_false(peer_is_due(&peer, &round_of, INT64_MAX));
    assert_non_null(strstr(peer.fact.text, "no url"));
}

/* Whatever is said in whatever order, it is asked at most twice without a pause between. */
static void no_sequence_of_answers_makes_it_busy(void **state)
{
    (void)state;
    unsigned seed = (unsigned)rand();
    print_message("seed %u\n", seed);
    for (int run = 0; run < 2000; run++) {
        setup(NULL);
        int n_in_a_row = 0;
        for (int i = 0; i < 50; i++) {
            ask(20);
            static const enum reply_kind kinds[] = {REPLY_SIZE,      REPLY_SIZE,   REPLY_SIZE,
                                                    REPLY_DISAGREES, REPLY_FAILED, REPLY_COSIGNED};
            reply(kinds[(unsigned)rand_r(&seed) % 6], (uint64_t)rand_r(&seed) % 25, 20);
            n_in_a_row = peer_is_due(&peer, &round_of, NOW) ? n_in_a_row + 1 : 0;
            assert_true(n_in_a_row < 2);
            assert_true(peer_old_size(&peer, 20) <= 20);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_cosignature_moves_it_on, setup),
        cmocka_unit_test_setup(another_size_is_asked_from_at_once_but_only_once, setup),
        cmocka_unit_test_setup(more_than_the_ledger_has_is_a_disagreement, setup),
        cmocka_unit_test_setup(a_disagreement_stands_until_it_cosigns_again, setup),
        cmocka_unit_test_setup(pauses_grow_up_to_their_limit_and_end_with_a_cosignature, setup),
        cmocka_unit_test_setup(jitter_takes_up_to_a_quarter_off, setup),
        cmocka_unit_test_setup(what_a_witness_says_is_made_printable, setup),
        cmocka_unit_test_setup(one_without_a_url_is_never_due, setup),
        cmocka_unit_test_setup(no_sequence_of_answers_makes_it_busy, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
