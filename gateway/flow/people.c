/*
 * people.c - from one answer of the app to each one's own flow, and back to one answer
 *
 *     answer ──▶ filter (taken apart) ──▶ places, sorted by name      around: {"items":[ ]}
 *                                           │ each: look up, judge             │
 *                                           ▼                                  │
 *                          those who consent, sorted by pseudonym              │
 *                                           │ each: reduce, digest, draft      │
 *                                           ▼                                  ▼
 *                          group ──▶ recorder        {"items":[ record , record , ... ]}
 *
 * Somebody the gateway does not know goes the way of somebody without a consent: one look-up, one
 * decision, and nothing. What remains depends on those who consent, and on nobody else: two answers
 * that differ only in the others are the same bytes.
 *
 * Where the route makes a figure of the records (`aggregate`), the answer is that figure: each who
 * consents has a receipt of it, and below `at_least` of them there is none.
 *
 * On a path with {subject}, that person's own consent to the route comes first, and they have the
 * first receipt, of the whole body; as a record of the list they are a person like any other. On a
 * path without, a refusal of the whole is a stranger's: there is nobody else to write it down for.
 */
#include "flow/people.h"

#include "base/timestamp.h"
#include "flow/judge.h"
#include "flow/recorded.h"
#include "flow/relay.h"
#include "transform/mean.h"
#include "transform/records.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_START_BYTES = 16384,
    /* User name, benefit, allowances, what else is copied when a flow is judged. */
    PERSON_ARENA_BYTES = 1024 + ALLOWANCES_MAX * (int)sizeof(struct store_allowance),
    ATTEMPTS_MAX = 8, /* policies that change each time are a reason to ask later */
};

struct person {
    struct flow flow; /* first: a group's members are the records of these */
    _Alignas(16) uint8_t arena[PERSON_ARENA_BYTES]; /* as arena.h has it */
    struct slice record; /* as the app has it; empty for the one that the request names */
};

struct people {
    struct buffer answer; /* the app's */
    struct record_list list;
    struct buffer around; /* what the partner gets, without the records, */
    struct buffer body;   /* and with them */
    struct person *persons;
    size_t n_persons;
    struct record **members; /* of the group: the persons whose data are in the answer */
    size_t n_members;
    struct flow_demand demand; /* of all of them together; its list is on the heap */
    unsigned n_attempts;
};

static bool begin(struct people *people, const struct limits *limits)
{
    return record_list_init(&people->list, limits) == SL_OK &&
           buffer_init(&people->answer, ANSWER_START_BYTES, limits->answer_bytes) &&
           buffer_init(&people->around, ANSWER_START_BYTES, limits->answer_bytes) &&
           buffer_init(&people->body, ANSWER_START_BYTES, limits->answer_bytes);
}

bool people_begin(struct flow *flow)
{
    flow->people = calloc(1, sizeof *flow->people);
    if (!flow->people || !begin(flow->people, &flow->engine->config->limits))
        return false;
    filter_begin_records(flow->filter, flow->request.route->around, &flow->people->list);
    return true;
}

static void forget_persons(struct people *people)
{
    for (size_t i = 0; i < people->n_persons; i++)
        flow_reset(&people->persons[i].flow);
    people->n_persons = 0;
}

void people_free(struct people *people)
{
    if (!people)
        return;
    forget_persons(people);
    record_list_deinit(&people->list);
    struct buffer *buffers[] = {&people->answer, &people->around, &people->body};
    for (size_t i = 0; i < SL_LENGTH(buffers); i++)
        if (buffers[i]->p)
            buffer_deinit(buffers[i]);
    free(people->persons);
    free(people->members);
    free(people->demand.allowances);
    free(people);
}

bool people_take(struct flow *flow, struct slice piece)
{
    /* The filter takes no more than the buffer can hold. */
    return filter_feed(flow->filter, piece) == SL_OK && buffer_append(&flow->people->answer, piece);
}

/* ---------------------------------------------------------------------------- who consents -- */

/* A flow of the same partner, on the same route, at the same time, about somebody else. */
static struct person *add_person(struct flow *flow)
{
    struct people *people = flow->people;
    struct person *person = &people->persons[people->n_persons++];
    flow_init(&person->flow, flow->engine, person->arena, sizeof person->arena);
    person->record = slice_of(NULL, 0);
    person->flow.time_ms = flow->time_ms;
    person->flow.partner = flow->partner;
    person->flow.request.route = flow->request.route;
    person->flow.purpose = flow->purpose;
    person->flow.record.kind = RECORD_RELEASE;
    flow_move(&person->flow, FLOW_IDENTIFIED);
    return person;
}

static void leave_out_last(struct people *people)
{
    flow_reset(&people->persons[--people->n_persons].flow);
}

/* Judges the last one, who is left out again unless they consent. */
static enum sl_err judge_last(struct people *people)
{
    struct flow *own = &people->persons[people->n_persons - 1].flow;
    SL_TRY(judge_flow(own));
    own->record.policy_version = own->policy_version;
    if (own->decision.effect == EFFECT_RELEASE) {
        flow_move(own, FLOW_DECIDED);
        flow_move(own, FLOW_FORWARDED); /* of which this is a part */
    } else {
        leave_out_last(people);
    }
    return SL_OK;
}

/*
 * The one whose list it is uses a consent of theirs for the list already: is there another use left
 * for their own record in it?
 */
static bool fits_beside_named(const struct flow *named, const struct flow *own)
{
    for (size_t i = 0; i < own->demand.n_allowances; i++) {
        const struct store_allowance *allowance = &own->demand.allowances[i];
        for (size_t j = 0; j < named->demand.n_allowances; j++)
            if (allowance->owner.kind == STORE_OWNER_CONSENT &&
                allowance_is_same(allowance, &named->demand.allowances[j]) &&
                allowance->at_most - allowance->n_used < 2)
                return false;
    }
    return true;
}

static enum sl_err judge_record(struct flow *flow, size_t i)
{
    struct people *people = flow->people;
    struct flow_engine *engine = flow->engine;
    const struct record_place *place = &people->list.places[i];
    const struct slice user = record_list_user(&people->list, i);
    const size_t n_before = people->n_persons;
    struct person *person = add_person(flow);
    bool found;
    person->record = slice_of(people->answer.p + place->from, place->to - place->from);
    SL_TRY(store_find_user(engine->reader, flow->request.route->app->id, user,
                           person->flow.record.subject, &found));
    if (!found)
        flow_name_stranger(&person->flow, user);
    SL_TRY(judge_last(people));
    if (people->n_persons == n_before)
        return SL_OK;
    SL_ASSERT(found); /* a stranger has no policy */
    if (!flow->request.route->is_fixed &&
        !fits_beside_named(&people->persons[0].flow, &person->flow)) {
        leave_out_last(people);
        return SL_OK;
    }
    return pseudonym_write(flow_names(&person->flow)->cipher, person->flow.record.subject,
                           person->flow.pseudonym);
}

/* The one that the request names, whose list this is. */
static bool judge_named(struct flow *flow)
{
    struct people *people = flow->people;
    struct person *person = add_person(flow);
    memcpy(person->flow.record.subject, flow->record.subject, sizeof flow->record.subject);
    memcpy(person->flow.pseudonym, flow->pseudonym, sizeof flow->pseudonym);
    return judge_last(people) == SL_OK && people->n_persons == 1;
}

static enum sl_err judge_all(struct flow *flow)
{
    for (size_t i = 0; i < flow->people->list.n; i++)
        SL_TRY(judge_record(flow, i));
    return SL_OK;
}

/* --------------------------------------------------------------------------- the answer -- */

static struct flow *member(const struct people *people, size_t i)
{
    return (struct flow *)(void *)people->members[i];
}

static int compare_pseudonyms(const void *a, const void *b)
{
    const struct flow *one = *(struct flow *const *)a, *other = *(struct flow *const *)b;
    return memcmp(one->pseudonym, other->pseudonym, PSEUDONYM_CHARS);
}

/* What the plan leaves of one record; the filter's, until the next. */
static bool reduce(struct flow *flow, struct person *person, struct slice *out, enum reason *reason)
{
    struct flow *own = &person->flow;
    flow_plan_reduction(own);
    filter_begin(flow->filter, flow->request.route->trie, &own->reduction);
    if (filter_feed(flow->filter, person->record) != SL_OK ||
        filter_finish(flow->filter) != SL_OK) {
        *reason = flow_reason_of_fault(filter_fault(flow->filter));
        return false;
    }
    *out = filter_output(flow->filter);
    return true;
}

/* One record, behind the ones before it, and its receipt's draft. */
static bool add_record(struct flow *flow, struct person *person, bool is_first, enum reason *reason)
{
    static const struct slice comma = SLICE_LITERAL(",");
    struct people *people = flow->people;
    struct flow *own = &person->flow;
    struct slice reduced;
    if (!reduce(flow, person, &reduced, reason))
        return false;
    *reason = REASON_ANSWER_TOO_LARGE;
    if (!(is_first || buffer_append(&people->body, comma)) ||
        !buffer_append(&people->body, reduced))
        return false;
    flow_move(own, FLOW_TRANSFORMED);
    *reason = REASON_BUSY;
    return flow_draft_release(own, reduced) == SL_OK;
}

static bool assemble(struct flow *flow, enum reason *reason)
{
    struct people *people = flow->people;
    const size_t n_named = flow->request.route->is_fixed ? 0 : 1;
    const struct slice around = slice_of(people->around.p, people->around.n);
    const size_t at = people->list.list_at;
    for (size_t i = 0; i < people->n_persons; i++)
        people->members[people->n_members++] = &people->persons[i].flow.record;
    qsort(people->members + n_named, people->n_persons - n_named, sizeof *people->members,
          compare_pseudonyms);

    *reason = REASON_ANSWER_TOO_LARGE;
    if (!buffer_append(&people->body, slice_of(around.p, at)))
        return false;
    for (size_t i = n_named; i < people->n_persons; i++)
        if (!add_record(flow, (struct person *)member(people, i), i == n_named, reason))
            return false;
    *reason = REASON_ANSWER_TOO_LARGE;
    if (!buffer_append(&people->body, slice_of(around.p + at, around.n - at)))
        return false;
    *reason = REASON_BUSY;
    if (n_named == 0)
        return true;
    struct flow *named = &people->persons[0].flow;
    flow_move(named, FLOW_TRANSFORMED);
    return flow_draft_release(named, slice_of(people->body.p, people->body.n)) == SL_OK;
}

/* Who of those who consent adds something to the figure. */
static bool add_contributors(struct flow *flow, struct mean *mean, enum reason *reason)
{
    struct people *people = flow->people;
    const bool is_mean = flow->request.route->aggregate.kind == AGGREGATE_MEAN;
    for (size_t i = 0; i < people->n_persons; i++) {
        struct slice reduced;
        if (is_mean && !reduce(flow, &people->persons[i], &reduced, reason))
            return false;
        if (!is_mean || mean_add(mean, reduced))
            people->members[people->n_members++] = &people->persons[i].flow.record;
    }
    qsort(people->members, people->n_members, sizeof *people->members, compare_pseudonyms);
    return true;
}

/* The figure in place of the records. */
static bool aggregate(struct flow *flow, enum reason *reason)
{
    struct people *people = flow->people;
    const struct config_aggregate *wanted = &flow->request.route->aggregate;
    struct mean mean = {.low = wanted->low, .high = wanted->high};
    if (!add_contributors(flow, &mean, reason))
        return false;
    *reason = REASON_TOO_FEW;
    if (people->n_members < wanted->at_least)
        return false;
    char text[64];
    struct writer writer = writer_over(text, sizeof text);
    write_str(&writer, wanted->kind == AGGREGATE_MEAN ? "{\"mean\":" : "{\"count\":");
    if (wanted->kind == AGGREGATE_MEAN)
        write_mean(&writer, &mean);
    else
        write_decimal(&writer, people->n_members);
    write_str(&writer, "}");
    SL_ASSERT(!writer.overflow);
    *reason = REASON_BUSY;
    if (!buffer_append(&people->body, writer_slice(&writer)))
        return false;
    for (size_t i = 0; i < people->n_members; i++) {
        flow_move(member(people, i), FLOW_TRANSFORMED);
        if (flow_draft_release(member(people, i), writer_slice(&writer)) != SL_OK)
            return false;
    }
    return true;
}

static bool make_body(struct flow *flow, enum reason *reason)
{
    flow->people->n_members = 0;
    buffer_wipe(&flow->people->body);
    return flow->request.route->aggregate.kind == AGGREGATE_NONE ? assemble(flow, reason)
                                                                 : aggregate(flow, reason);
}

/* ------------------------------------------------------------------------- its receipts -- */

static void release(struct flow *flow)
{
    struct people *people = flow->people;
    for (size_t i = 0; i < people->n_members; i++) {
        flow_move(member(people, i), FLOW_RECORDED);
        flow_move(member(people, i), FLOW_RELEASED);
    }
    /* All receipts of the answer are durable; of one about nobody, these are none. */
    flow_move(flow, FLOW_RECORDED);
    flow_move(flow, FLOW_RELEASED);
    flow->answer.kind = ANSWER_RELEASED;
    flow->answer.reason = REASON_CONSENTED;
    flow->answer.receipt_index = flow->record.index;
    flow->answer.n_receipts = people->n_members;
    flow->answer.body = slice_of(people->body.p, people->body.n);
    flow->answer.media_type = flow->request.route->aggregate.kind == AGGREGATE_NONE
                                  ? flow->request.route->media_type
                                  : slice_of_str("application/json");
    flow->engine->reply(flow);
}

/* What all of them use, and the partner as many times. SL_EMALFORMED: that is over its budget. */
static enum sl_err add_up_demands(struct flow *flow)
{
    struct people *people = flow->people;
    struct flow_demand *demand = &people->demand;
    size_t n_most = 0;
    demand->n_allowances = 0;
    demand->time_s = flow->time_ms / 1000;
    for (size_t i = 0; i < people->n_members; i++)
        n_most +=
            ((const struct person *)(const void *)people->members[i])->flow.demand.n_allowances;
    flow->record.demand = n_most > 0 ? demand : NULL;
    if (n_most > demand->n_room) {
        free(demand->allowances);
        demand->allowances = calloc(n_most, sizeof *demand->allowances);
        demand->n_room = demand->allowances ? n_most : 0;
        if (!demand->allowances)
            return SL_EINTERNAL;
    }
    for (size_t i = 0; i < people->n_members; i++) {
        const struct flow_demand *own =
            &((const struct person *)(const void *)people->members[i])->flow.demand;
        for (size_t j = 0; j < own->n_allowances; j++)
            allowances_add(demand->allowances, &demand->n_allowances, &own->allowances[j]);
    }
    for (size_t i = 0; i < demand->n_allowances; i++) {
        const struct store_allowance *budget = &demand->allowances[i];
        if (budget->owner.kind == STORE_OWNER_PARTNER &&
            (uint64_t)budget->n_used + budget->n_uses > budget->at_most) {
            flow->waits_s = (uint32_t)(budget->end_s - demand->time_s);
            return SL_EMALFORMED;
        }
    }
    return SL_OK;
}

static void submit(struct flow *flow)
{
    struct people *people = flow->people;
    enum sl_err err = add_up_demands(flow);
    if (err != SL_OK) {
        flow_refuse(flow, err == SL_EMALFORMED ? REASON_BUDGET : REASON_BUSY);
        return;
    }
    flow->record.kind = RECORD_GROUP;
    flow->record.reply_to = &flow->engine->recorded;
    flow->record.members = people->members;
    flow->record.n_members = people->n_members;
    flow->engine->has_submitted = true;
    if (!recorder_submit(flow->engine->node->recorder, &flow->record))
        flow_refuse(flow, REASON_BUSY);
}

/* As of now: who consents, what they get of the answer, and the receipts of that. */
static void attempt(struct flow *flow)
{
    struct people *people = flow->people;
    enum reason reason = REASON_BUSY;
    forget_persons(people);
    if (flow_is_unwitnessed(flow))
        flow_refuse(flow, REASON_UNWITNESSED);
    else if (people->n_attempts++ == ATTEMPTS_MAX)
        flow_refuse(flow, REASON_BUSY);
    else if (!flow->request.route->is_fixed && !judge_flow_again(flow, &reason))
        flow_refuse(flow, reason);
    else {
        if (flow->request.route->is_fixed)
            flow->time_ms = clock_now_ms();
        if (!flow->request.route->is_fixed && !judge_named(flow))
            flow_refuse(flow, REASON_CONSENT_CHANGED);
        else if (judge_all(flow) != SL_OK)
            flow_refuse(flow, REASON_BUSY);
        else if (!make_body(flow, &reason))
            flow_refuse(flow, reason);
        else if (people->n_members == 0)
            release(flow);
        else
            submit(flow);
    }
}

void people_finish(struct flow *flow)
{
    struct people *people = flow->people;
    if (filter_finish(flow->filter) != SL_OK) {
        flow_refuse(flow, flow_reason_of_fault(filter_fault(flow->filter)));
        return;
    }
    if (record_list_sort(&people->list)) {
        flow_refuse(flow, REASON_ANSWER_MALFORMED);
        return;
    }
    const size_t n_persons_max = people->list.n + 1;
    people->persons = calloc(n_persons_max, sizeof *people->persons);
    people->members = calloc(n_persons_max, sizeof *people->members);
    if (!people->persons || !people->members ||
        !buffer_append(&people->around, filter_output(flow->filter))) {
        flow_refuse(flow, REASON_BUSY);
        return;
    }
    flow_move(flow, FLOW_TRANSFORMED);
    attempt(flow);
}

void people_recorded(struct flow *flow)
{
    switch (flow->record.outcome) {
    case RECORD_DURABLE:
        release(flow);
        return;
    case RECORD_STALE:
    case RECORD_DENIED:
        attempt(flow);
        return;
    case RECORD_REJECTED:
    case RECORD_FULL:
    case RECORD_FAILED:
        flow_unrecorded(flow);
        return;
    }
}
