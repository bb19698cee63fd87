/*
 * Mail between threads: all of it, once, in the order of each sender.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mailbox.h"
#include "base/thread.h"

#include <poll.h>
#include <stdlib.h>

struct letter {
    struct mail mail;
    unsigned sender, number;
};

static int setup(void **state)
{
    struct mailbox *box = malloc(sizeof *box);
    assert_non_null(box);
    assert_int_equal(mailbox_init(box), SL_OK);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    mailbox_deinit(*state);
    free(*state);
    return 0;
}

static bool is_awake(const struct mailbox *box)
{
    struct pollfd readable = {.fd = box->event_fd, .events = POLLIN};
    return poll(&readable, 1, 0) == 1;
}

static void an_empty_box_holds_nothing(void **state)
{
    struct mailbox *box = *state;
    assert_null(mailbox_take(box));
    assert_true(mailbox_is_empty(box));
    assert_false(is_awake(box));
}

static void only_the_first_put_into_an_empty_box_asks_for_a_wake(void **state)
{
    struct mailbox *box = *state;
    struct letter letters[3];
    assert_true(mailbox_put(box, &letters[0].mail));
    assert_false(mailbox_put(box, &letters[1].mail));
    assert_false(mailbox_is_empty(box));
    assert_non_null(mailbox_take(box));
    assert_true(mailbox_put(box, &letters[2].mail));
    assert_non_null(mailbox_take(box));
}

static void mail_comes_out_in_the_order_it_went_in(void **state)
{
    struct mailbox *box = *state;
    struct letter letters[5];
    for (unsigned i = 0; i < 5; i++) {
        letters[i].number = i;
        (void)!mailbox_put(box, &letters[i].mail);
    }
    struct mail *mail = mailbox_take(box);
    for (unsigned i = 0; i < 5; i++) {
        assert_ptr_equal(mail, &letters[i].mail);
        mail = mail->next;
    }
    assert_null(mail);
    assert_null(mailbox_take(box));
}

static void a_chain_goes_in_at_once(void **state)
{
    struct mailbox *box = *state;
    struct letter letters[4];
    (void)!mailbox_put(box, &letters[0].mail);
    letters[3].mail.next = &letters[2].mail;
    letters[2].mail.next = &letters[1].mail;
    assert_false(mailbox_put_chain(box, &letters[3].mail, &letters[1].mail));
    struct mail *mail = mailbox_take(box);
    for (unsigned i = 0; i < 4; i++, mail = mail->next)
        assert_ptr_equal(mail, &letters[i].mail);
    assert_null(mail);
}

static void a_wake_lasts_until_it_is_quieted(void **state)
{
    struct mailbox *box = *state;
    mailbox_wake(box);
    mailbox_wake(box);
    assert_true(is_awake(box));
    mailbox_quiet(box);
    assert_false(is_awake(box));
    mailbox_quiet(box);
    mailbox_wake(box);
    mailbox_wait(box);
    assert_false(is_awake(box));
}

enum { N_SENDERS = 4, N_LETTERS = 20000 };

struct sender {
    struct mailbox *box;
    struct letter *letters;
    unsigned number;
};

static void *send_letters(void *context)
{
    struct sender *sender = context;
    for (unsigned i = 0; i < N_LETTERS; i++) {
        sender->letters[i].sender = sender->number;
        sender->letters[i].number = i;
        if (mailbox_put(sender->box, &sender->letters[i].mail))
            mailbox_wake(sender->box);
    }
    return NULL;
}

static void many_senders_lose_nothing_and_keep_their_own_order(void **state)
{
    struct mailbox *box = *state;
    struct sender senders[N_SENDERS];
    pthread_t threads[N_SENDERS];
    unsigned n_next[N_SENDERS] = {0};
    for (unsigned i = 0; i < N_SENDERS; i++) {
        senders[i] = (struct sender){box, calloc(N_LETTERS, sizeof(struct letter)), i};
        assert_non_null(senders[i].letters);
        assert_int_equal(thread_start(&threads[i], "sender", send_letters, &senders[i]), SL_OK);
    }
    for (unsigned n_received = 0; n_received < N_SENDERS * N_LETTERS;) {
        mailbox_wait(box); /* a wake that was forgotten hangs here */
        for (struct mail *mail = mailbox_take(box); mail; mail = mail->next) {
            const struct letter *letter = (const struct letter *)(const void *)mail;
            assert_int_equal(letter->number, n_next[letter->sender]++);
            n_received++;
        }
    }
    for (unsigned i = 0; i < N_SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(n_next[i], N_LETTERS);
        free(senders[i].letters);
    }
    assert_null(mailbox_take(box));
}

/* A box of its own for each job, which goes away as soon as all its letters are there. */
struct job {
    struct mail mail;
    struct mailbox *box;
    struct letter letters[4];
};

enum { N_JOBS = 20000 };

static void *do_jobs(void *context)
{
    struct mailbox *jobs = context;
    for (unsigned n_done = 0; n_done < N_JOBS;) {
        mailbox_wait(jobs);
        for (struct mail *mail = mailbox_take(jobs), *next; mail; mail = next, n_done++) {
            struct job *job = (struct job *)(void *)mail;
            struct mailbox *box = job->box;
            next = mail->next;
            for (size_t i = 0; i < SL_LENGTH(job->letters); i++)
                if (mailbox_put(box, &job->letters[i].mail))
                    mailbox_wake(box);
        }
    }
    return NULL;
}

static void a_box_of_one_sender_may_go_away_with_its_last_mail(void **state)
{
    struct mailbox *jobs = *state;
    struct job *all = calloc(N_JOBS, sizeof *all);
    pthread_t thread;
    assert_non_null(all);
    assert_int_equal(thread_start(&thread, "sender", do_jobs, jobs), SL_OK);
    for (unsigned i = 0; i < N_JOBS; i++) {
        struct mailbox *box = malloc(sizeof *box);
        assert_non_null(box);
        assert_int_equal(mailbox_init(box), SL_OK);
        all[i].box = box;
        if (mailbox_put(jobs, &all[i].mail))
            mailbox_wake(jobs);
        for (size_t n = 0; n < SL_LENGTH(all[i].letters);) {
            mailbox_wait(box);
            for (struct mail *mail = mailbox_take(box); mail; mail = mail->next)
                n++;
        }
        mailbox_deinit(box);
        free(box);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_box_holds_nothing),
        TEST(only_the_first_put_into_an_empty_box_asks_for_a_wake),
        TEST(mail_comes_out_in_the_order_it_went_in),
        TEST(a_chain_goes_in_at_once),
        TEST(a_wake_lasts_until_it_is_quieted),
        TEST(many_senders_lose_nothing_and_keep_their_own_order),
        TEST(a_box_of_one_sender_may_go_away_with_its_last_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
