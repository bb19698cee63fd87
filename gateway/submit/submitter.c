/*
 * submitter.c - rounds: one checkpoint, all witnesses at once
 *
 *     nothing new ──▶ round: newest checkpoint ──▶ asked ──▶ quorum ──▶ board, disk
 *         ▲                                          │          │
 *         └────────── `every` has passed ◀───────────┴──────────┘
 *
 * A round ends when it has its quorum, or when nobody is left who is still answering; the next one
 * takes what is the newest then. A witness that is slow only holds up itself: it is asked for the
 * next checkpoint when it has answered. So a round lasts witness_answer_ms at most.
 *
 * At a stop there is one more round, of what has come since the last one: a node that is stopped
 * for good, or for long, leaves nothing behind that no witness has seen. It is over when a quorum
 * has cosigned, when nobody is left to wait for, or after witness_answer_ms. Who has just failed is
 * not asked again for it.
 */
#include "submit/submitter.h"

#include "base/log.h"
#include "base/thread.h"
#include "base/timestamp.h"
#include "ledger/ledger_reader.h"
#include "ledger/note_lines.h"
#include "ledger/tlog_proof.h"
#include "submit/age.h"
#include "submit/exchange.h"
#include "submit/peer.h"
#include "submit/round.h"

#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

/* 63 hashes and a checkpoint. */
enum { BODY_BYTES_MAX = 8192 };

struct submitter {
    const struct config *config;
    struct recorder *recorder;
    struct witnessed *board;
    struct ledger_reader *reader;
    CURLM *multi;
    bool has_curl;
    pthread_t thread;
    bool is_running;
    atomic_bool stopping;

    struct age age;
    uint64_t cosigned_size; /* by a quorum */
    bool is_unwritten;
    const char *note_fault; /* why a note with enough lines is no quorum, or NULL */
    struct round round;
    uint8_t note[WITNESSED_NOTE_BYTES_MAX];
    struct peer peers[TLOG_POLICY_WITNESSES_MAX];
    struct exchange *exchanges[TLOG_POLICY_WITNESSES_MAX]; /* NULL: it has no URL */
};

static const struct tlog_policy *policy_of(const struct submitter *s)
{
    return s->config->witnesses->policy;
}

/* The first pause after a failure. */
static struct peer_pause pause_of(const struct submitter *s)
{
    struct peer_pause pause = {.now_ms = clock_monotonic_ms(),
                               .first_ms = s->config->witnesses->every_s * UINT64_C(1000)};
    (void)RAND_bytes((uint8_t *)&pause.jitter, sizeof pause.jitter);
    return pause;
}

/* --------------------------------------------------------------------------- how it stands -- */

static void log_witness(const struct witness_fact *fact, enum witness_state before)
{
    int n = (int)fact->name.n;
    const char *name = (const char *)fact->name.p;
    if (fact->state == before)
        return;
    if (fact->state == WITNESS_AGREES && before != WITNESS_UNKNOWN)
        log_info("witness %.*s cosigns again, up to size %llu", n, name,
                 (unsigned long long)fact->size);
    else if (fact->state == WITNESS_FAILS)
        log_warn("witness %.*s: %s", n, name, fact->text);
    else if (fact->state == WITNESS_DISAGREES)
        log_error(
            "witness %.*s DISAGREES: %s; keep the ledger and the witness's checkpoint as they "
            "are, and compare them",
            n, name, fact->text);
}

/* The witness's state has changed, perhaps. */
static void publish(struct submitter *s, size_t witness, enum witness_state before)
{
    const struct peer *peer = &s->peers[witness];
    witnessed_put_witness(s->board, witness, &peer->fact);
    log_witness(&peer->fact, before);
    if (peer->n_failures > 0)
        log_debug("witness %.*s is asked again in %lld ms", SLICE_PRINTF(peer->fact.name),
                  (long long)(peer->next_ms - clock_monotonic_ms()));
}

static void log_age(const struct submitter *s, const struct age *before)
{
    unsigned long long age_s = s->age.age_ms / 1000;
    if (s->age.is_missed && !before->is_missed)
        log_error("no quorum of witnesses for %llu s: the checkpoint of size %llu has %zu "
                  "cosignatures of %zu witnesses%s%s",
                  age_s, (unsigned long long)s->round.head.tree.size, s->round.n_lines,
                  policy_of(s)->n_witnesses, s->note_fault ? "; " : "",
                  s->note_fault ? s->note_fault : "");
    if (s->age.refuses && !before->refuses)
        log_error("flows are refused: no quorum of witnesses has seen the newest receipts for %llu "
                  "s; policies can still be changed",
                  age_s);
    if (!s->age.refuses && before->refuses)
        log_info("flows are served again");
    if (!s->age.is_missed && before->is_missed)
        log_info("the quorum of witnesses is back, at size %llu",
                 (unsigned long long)s->cosigned_size);
}

static void update_age(struct submitter *s)
{
    int64_t now_ms = clock_monotonic_ms();
    const struct age before = s->age;
    if (recorder_tree_size(s->recorder) == s->cosigned_size)
        age_clean(&s->age, now_ms);
    age_update(&s->age, now_ms);
    witnessed_put_age(s->board, s->age.age_ms, s->age.is_missed, s->age.refuses, s->note_fault);
    log_age(s, &before);
}

/* Enough? Then it is what is served from now on. */
static void conclude(struct submitter *s)
{
    static const char *const faults[] = {
        [TLOG_POLICY_HOLDS] = NULL,
        [TLOG_POLICY_MALFORMED] = "the checkpoint can't be read",
        [TLOG_POLICY_BAD_SIGNATURE] = "a signature does not hold",
        [TLOG_POLICY_OTHER_LOG] =
            "the trust file has another key of this ledger than keys/ledger.vkey",
        [TLOG_POLICY_NO_QUORUM] = NULL,
    };
    struct tlog_policy_found found;
    struct writer writer = writer_over(s->note, sizeof s->note);
    write_round(&writer, &s->round);
    SL_ASSERT(!writer.overflow);
    enum tlog_policy_check check = tlog_policy_check(policy_of(s), writer_slice(&writer), &found);
    s->note_fault = faults[check];
    if (check != TLOG_POLICY_HOLDS)
        return;
    s->round.has_quorum = true;
    s->cosigned_size = s->round.head.tree.size;
    age_clean(&s->age, s->round.taken_ms);
    bool was_unwritten = s->is_unwritten;
    s->is_unwritten =
        witnessed_put_checkpoint(s->board, writer_slice(&writer), s->cosigned_size) != SL_OK;
    if (s->is_unwritten && !was_unwritten)
        log_warn("the cosigned checkpoint can't be written to %s", s->config->state_folder);
}

/* ----------------------------------------------------------------------------------- asking -- */

static enum sl_err write_question(struct submitter *s, uint64_t old_size, struct writer *out)
{
    const struct ledger_head *head = &s->round.head;
    struct tlog_growth growth = {.old_size = old_size,
                                 .checkpoint = slice_of(head->note, head->note_n)};
    if (old_size > 0)
        SL_TRY(
            ledger_reader_consistency(s->reader, head, old_size, head->tree.size, &growth.proof));
    return tlog_growth_write(&growth, out);
}

static void ask(struct submitter *s, size_t witness)
{
    struct peer *peer = &s->peers[witness];
    enum witness_state before = peer->fact.state;
    uint64_t old_size = peer_old_size(peer, s->round.head.tree.size);
    uint8_t body[BODY_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    peer_asked(peer, &s->round, old_size);
    enum sl_err err = write_question(s, old_size, &writer);
    if (err == SL_OK)
        err = exchange_start(s->exchanges[witness], writer_slice(&writer));
    if (err == SL_OK)
        return;
    peer_failed(peer, WITNESS_FAILS,
                err == SL_ESTORE ? ledger_reader_problem(s->reader) : "it could not be asked",
                pause_of(s));
    publish(s, witness, before);
}

static bool someone_answers(const struct submitter *s)
{
    for (size_t i = 0; i < policy_of(s)->n_witnesses; i++)
        if (s->exchanges[i] && exchange_is_running(s->exchanges[i]))
            return true;
    return false;
}

static int64_t next_round_ms(const struct submitter *s)
{
    return s->round.number > 0 ? s->round.taken_ms + s->config->witnesses->every_s * INT64_C(1000)
                               : INT64_MIN;
}

static bool someone_is_ahead(const struct submitter *s)
{
    for (size_t i = 0; i < policy_of(s)->n_witnesses; i++)
        if (peer_wants_round(&s->peers[i], &s->round))
            return true;
    return false;
}

/* The next round, when its time has come and there is something new. */
static void move_on(struct submitter *s, int64_t now_ms)
{
    struct ledger_head head;
    bool is_over = s->round.number == 0 || s->round.has_quorum || !someone_answers(s);
    bool is_time = now_ms >= next_round_ms(s) || someone_is_ahead(s) || atomic_load(&s->stopping);
    if (!is_over || !is_time || recorder_tree_size(s->recorder) == s->round.head.tree.size)
        return;
    ledger_reader_head(s->reader, &head);
    if (head.note_n > 0 && head.tree.size > s->round.head.tree.size)
        round_begin(&s->round, &head, now_ms);
}

static void ask_who_is_due(struct submitter *s, int64_t now_ms)
{
    for (size_t i = 0; i < policy_of(s)->n_witnesses; i++)
        if (s->exchanges[i] && !exchange_is_running(s->exchanges[i]) &&
            peer_is_due(&s->peers[i], &s->round, now_ms))
            ask(s, i);
}

/* --------------------------------------------------------------------------- what they say -- */

/* An answer to an older round still says how far the witness has come. */
static void count(struct submitter *s, size_t witness, const struct reply *reply)
{
    if (reply->kind != REPLY_COSIGNED || s->peers[witness].asked_round != s->round.number)
        return;
    round_add(&s->round, witness, slice_of(reply->line, reply->line_n));
    conclude(s);
}

static void take_reply(struct submitter *s, size_t witness, const struct reply_http *http)
{
    struct peer *peer = &s->peers[witness];
    enum witness_state before = peer->fact.state;
    int64_t wall_ms = clock_now_ms();
    struct note_lines asked;
    SL_ASSERT(note_lines_open(slice_of(peer->asked_note, peer->asked_note_n), &asked));
    const struct reply_question question = {
        .witness = &policy_of(s)->witnesses[witness],
        .text = asked.text,
        .old_size = peer->asked_old_size,
        .size = peer->asked_size,
        .now_s = wall_ms > 0 ? (uint64_t)wall_ms / 1000 : 0,
    };
    struct reply reply;
    reply_read(&question, http, &reply);
    peer_replied(peer, &reply, recorder_tree_size(s->recorder), pause_of(s));
    publish(s, witness, before);
    count(s, witness, &reply);
}

static void take_failure(struct submitter *s, size_t witness, const char *failure)
{
    struct peer *peer = &s->peers[witness];
    enum witness_state before = peer->fact.state;
    peer_failed(peer, WITNESS_FAILS, failure, pause_of(s));
    publish(s, witness, before);
}

static size_t whose(const struct submitter *s, const CURL *easy)
{
    size_t i = 0;
    while (!s->exchanges[i] || !exchange_owns(s->exchanges[i], easy)) {
        i++;
        SL_ASSERT(i < policy_of(s)->n_witnesses);
    }
    return i;
}

static void take_replies(struct submitter *s)
{
    int n_left;
    for (CURLMsg *message; (message = curl_multi_info_read(s->multi, &n_left));) {
        struct reply_http http;
        const char *failure;
        if (message->msg != CURLMSG_DONE)
            continue;
        size_t witness = whose(s, message->easy_handle);
        if (exchange_finish(s->exchanges[witness], message->data.result, &http, &failure))
            take_reply(s, witness, &http);
        else
            take_failure(s, witness, failure);
    }
}

/* ------------------------------------------------------------------------------- the thread -- */

/* Until something is due by itself. What comes in ends the wait earlier, and so does a stop. */
static int wait_ms(const struct submitter *s, int64_t now_ms)
{
    int64_t until_ms = now_ms + s->config->witnesses->every_s * INT64_C(1000);
    if (next_round_ms(s) > now_ms && next_round_ms(s) < until_ms)
        until_ms = next_round_ms(s);
    if (age_next_ms(&s->age) > now_ms && age_next_ms(&s->age) < until_ms)
        until_ms = age_next_ms(&s->age);
    for (size_t i = 0; i < policy_of(s)->n_witnesses; i++)
        if (s->peers[i].next_ms > now_ms && s->peers[i].next_ms < until_ms)
            until_ms = s->peers[i].next_ms;
    return (int)(until_ms - now_ms);
}

/* What has come in, and what is due by now. Returns when that was. */
static int64_t turn(struct submitter *s)
{
    int n_running;
    curl_multi_perform(s->multi, &n_running);
    take_replies(s);
    int64_t now_ms = clock_monotonic_ms();
    move_on(s, now_ms);
    ask_who_is_due(s, now_ms);
    update_age(s);
    return now_ms;
}

static bool all_is_cosigned(const struct submitter *s)
{
    return s->cosigned_size == recorder_tree_size(s->recorder);
}

static void last_round(struct submitter *s)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t until_ms = now_ms + (int64_t)s->config->limits.witness_answer_ms;
    while (!all_is_cosigned(s) && now_ms < until_ms) {
        now_ms = turn(s);
        if (!someone_answers(s))
            break;
        if (now_ms < until_ms)
            curl_multi_poll(s->multi, NULL, 0, (int)(until_ms - now_ms), NULL);
    }
    if (!all_is_cosigned(s))
        log_warn("ended with %llu receipts, and a quorum of witnesses has seen %llu; the next "
                 "start asks them again",
                 (unsigned long long)recorder_tree_size(s->recorder),
                 (unsigned long long)s->cosigned_size);
}

static void *run(void *context)
{
    struct submitter *s = context;
    while (!atomic_load(&s->stopping)) {
        int64_t now_ms = turn(s);
        /* A request that was just begun makes this return at once. */
        curl_multi_poll(s->multi, NULL, 0, wait_ms(s, now_ms), NULL);
    }
    last_round(s);
    return NULL;
}

/* ---------------------------------------------------------------------------- start and stop -- */

static enum sl_err open_exchanges(struct submitter *s)
{
    const struct tlog_policy *policy = policy_of(s);
    for (size_t i = 0; i < policy->n_witnesses; i++) {
        const struct exchange_config config = {
            .multi = s->multi,
            .url = policy->witness_urls[i],
            .ca_file = s->config->witnesses->ca_file,
            .answer_ms = s->config->limits.witness_answer_ms,
        };
        peer_init(&s->peers[i], tlog_policy_witness_name(policy, i), config.url.n > 0);
        witnessed_put_witness(s->board, i, &s->peers[i].fact);
        if (config.url.n > 0)
            SL_TRY(exchange_new(&config, &s->exchanges[i]));
    }
    return SL_OK;
}

/* What waits is younger than the newest cosigned checkpoint, also after a time without a node. */
static void begin_age(struct submitter *s)
{
    const struct config_witnesses *witnesses = s->config->witnesses;
    int64_t kept_ms = (int64_t)(witnessed_kept_time_s(s->board) * 1000);
    int64_t waited_ms = kept_ms > 0 ? clock_now_ms() - kept_ms : 0;
    s->cosigned_size = witnessed_kept_size(s->board);
    if (waited_ms < 0 || recorder_tree_size(s->recorder) == s->cosigned_size)
        waited_ms = 0;
    age_init(&s->age, s->config->limits.witness_alarm_ms,
             witnesses->refuse_after_s * UINT64_C(1000), (uint64_t)waited_ms, clock_monotonic_ms());
    const struct age quiet = {0};
    witnessed_put_age(s->board, s->age.age_ms, s->age.is_missed, s->age.refuses, s->note_fault);
    log_age(s, &quiet);
}

static enum sl_err open_submitter(struct submitter *s)
{
    struct recorder_problem problem;
    s->has_curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    s->multi = s->has_curl ? curl_multi_init() : NULL;
    if (!s->multi)
        return SL_EINTERNAL;
    enum sl_err err = recorder_reader_new(s->recorder, &problem, &s->reader);
    if (err != SL_OK) {
        log_error("the witnesses can't be asked: %s", problem.text);
        return err;
    }
    SL_TRY(open_exchanges(s));
    begin_age(s);
    return thread_start(&s->thread, "witnesses", run, s);
}

enum sl_err submitter_start(struct node *node, struct submitter **out)
{
    struct submitter *s = calloc(1, sizeof *s);
    if (!s)
        return SL_EINTERNAL;
    s->config = node->config;
    s->recorder = node->recorder;
    s->board = node->witnessed;
    enum sl_err err = open_submitter(s);
    s->is_running = err == SL_OK;
    if (err != SL_OK) {
        submitter_stop(s);
        return err;
    }
    *out = s;
    return SL_OK;
}

void submitter_stop(struct submitter *s)
{
    if (!s)
        return;
    if (s->is_running) {
        atomic_store(&s->stopping, true);
        curl_multi_wakeup(s->multi);
        pthread_join(s->thread, NULL);
    }
    for (size_t i = 0; i < TLOG_POLICY_WITNESSES_MAX; i++)
        exchange_free(s->exchanges[i]);
    ledger_reader_free(s->reader);
    if (s->multi)
        curl_multi_cleanup(s->multi);
    if (s->has_curl)
        curl_global_cleanup();
    free(s);
}
