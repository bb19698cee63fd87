/*
 * filter.c - pieces into tokens: what may come when, and what a piece's end cuts in two
 *
 * One loop reads all tokens of the answer, kept or dropped, so nothing can be read in two ways:
 *
 *     piece ──▶ read_tokens ─▶ scan_* ─▶ structure_take ─┬▶ take_key ─▶ key_set, path_member
 *       └─▶ resume_token (carry) ───▶─────┘              └▶ field_take_scalar ─▶ output
 *
 * A piece is read where it lies. Only a token that its end cuts in two is copied, to `carry`, and
 * completed there; an answer that comes in one piece is copied once, from the app's bytes to the
 * output.
 */
#include "transform/filter.h"

#include "transform/structure.h"

#include <stdlib.h>

enum {
    OUTPUT_START_BYTES = 16384,
    CARRY_START_BYTES = 1024,
    CARRY_STEP_BYTES = 64, /* what is added to a cut token at first; doubled from then on */
};

/* A piece, or the carry, and where in the answer it begins. */
struct window {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    size_t offset;
};

/* What a byte outside of a token begins. */
enum lead {
    LEAD_NOTHING,
    LEAD_OBJECT,
    LEAD_OBJECT_END,
    LEAD_ARRAY,
    LEAD_ARRAY_END,
    LEAD_COLON,
    LEAD_COMMA,
    LEAD_STRING,
    LEAD_NUMBER,
    LEAD_TRUE,
    LEAD_FALSE,
    LEAD_NULL,
};

static const uint8_t leads[256] = {
    ['{'] = LEAD_OBJECT, ['}'] = LEAD_OBJECT_END, ['['] = LEAD_ARRAY,  [']'] = LEAD_ARRAY_END,
    [':'] = LEAD_COLON,  [','] = LEAD_COMMA,      ['"'] = LEAD_STRING, ['t'] = LEAD_TRUE,
    ['f'] = LEAD_FALSE,  ['n'] = LEAD_NULL,       ['-'] = LEAD_NUMBER, ['0'] = LEAD_NUMBER,
    ['1'] = LEAD_NUMBER, ['2'] = LEAD_NUMBER,     ['3'] = LEAD_NUMBER, ['4'] = LEAD_NUMBER,
    ['5'] = LEAD_NUMBER, ['6'] = LEAD_NUMBER,     ['7'] = LEAD_NUMBER, ['8'] = LEAD_NUMBER,
    ['9'] = LEAD_NUMBER,
};

/* The grammar of RFC 8259: in which state (a bit of enum expect) each lead is legal. */
enum {
    FOR_VALUE = 1 << EXPECT_VALUE | 1 << EXPECT_FIRST_ELEMENT,
    FOR_KEY = 1 << EXPECT_KEY | 1 << EXPECT_FIRST_KEY,
};
static const uint8_t legal_in[] = {
    [LEAD_NOTHING] = 0,
    [LEAD_OBJECT] = FOR_VALUE,
    [LEAD_OBJECT_END] = 1 << EXPECT_FIRST_KEY | 1 << EXPECT_MEMBER_END,
    [LEAD_ARRAY] = FOR_VALUE,
    [LEAD_ARRAY_END] = 1 << EXPECT_FIRST_ELEMENT | 1 << EXPECT_ELEMENT_END,
    [LEAD_COLON] = 1 << EXPECT_COLON,
    [LEAD_COMMA] = 1 << EXPECT_MEMBER_END | 1 << EXPECT_ELEMENT_END,
    [LEAD_STRING] = FOR_VALUE | FOR_KEY,
    [LEAD_NUMBER] = FOR_VALUE,
    [LEAD_TRUE] = FOR_VALUE,
    [LEAD_FALSE] = FOR_VALUE,
    [LEAD_NULL] = FOR_VALUE,
};

enum sl_err filter_new(const struct limits *limits, struct filter **out)
{
    SL_TRY(key_hash_init());
    struct filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return SL_EINTERNAL;
    filter->answer_bytes_max = limits->answer_bytes;
    filter->token_bytes_max = limits->json_token_bytes;
    filter->depth_max = limits->json_depth;
    filter->members_max = limits->json_members;
    /* One byte more than a token may have, to see that one is too long. */
    size_t carry_max = filter->token_bytes_max + 1;
    bool ok = buffer_init(&filter->output, OUTPUT_START_BYTES, filter->answer_bytes_max);
    ok = buffer_init(&filter->carry, CARRY_START_BYTES, carry_max) && ok;
    ok = buffer_init(&filter->unescaped, CARRY_START_BYTES, carry_max) && ok;
    ok = buffer_init(&filter->derived, CARRY_STEP_BYTES, carry_max + REWRITE_GROWTH_BYTES) && ok;
    ok = key_set_init(&filter->keys) && ok;
    ok = cut_init(&filter->cut, limits) && ok;
    if (!ok) {
        filter_free(filter);
        return SL_EINTERNAL;
    }
    *out = filter;
    return SL_OK;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    buffer_deinit(&filter->output);
    buffer_deinit(&filter->carry);
    buffer_deinit(&filter->unescaped);
    buffer_deinit(&filter->derived);
    key_set_deinit(&filter->keys);
    cut_deinit(&filter->cut);
    free(filter);
}

void filter_wipe(struct filter *filter)
{
    buffer_wipe(&filter->output);
    buffer_wipe(&filter->carry);
    buffer_wipe(&filter->unescaped);
    buffer_wipe(&filter->derived);
    key_set_reset(&filter->keys);
    cut_wipe(&filter->cut);
    filter->trie = NULL;
    filter->reduction = NULL;
    filter->records = NULL;
    filter->fault = FILTER_OK;
    filter->fault_at = 0;
    filter->finished = false;
    filter->n_fed = 0;
    filter->expect = EXPECT_VALUE;
    filter->depth = 0;
    filter->member = NULL;
    filter->is_pending = false;
}

void filter_begin(struct filter *filter, const struct path_trie *trie,
                  const struct reduction *reduction)
{
    SL_ASSERT(reduction->n_classes <= LIMIT_MAX_route_classes);
    for (size_t i = 0; i < reduction->pseudonym.n; i++) {
        uint8_t c = reduction->pseudonym.p[i];
        SL_ASSERT(c > 0x20 && c < 0x7f && c != '"' && c != '\\');
    }
    filter_wipe(filter);
    filter->trie = trie;
    filter->reduction = reduction;
    filter->kept = filter->plain = filter->top = filter->cuts = 0;
    memset(filter->n_elements, 0, sizeof filter->n_elements);
    for (size_t i = 0; i < LIMIT_MAX_route_classes && i < reduction->n_classes; i++) {
        const uint32_t *by = reduction->classes[i].coarseness.by;
        filter->kept |= (uint32_t)reduction->classes[i].keep << i;
        filter->plain |= (uint32_t)(by[COARSE_BUCKET] == 0 && by[COARSE_REDACT] == 0) << i;
        filter->top |= (uint32_t)(by[COARSE_TOP] > 0) << i;
        filter->cuts |= (uint32_t)(by[COARSE_CUT] > 0) << i;
    }
}

void filter_begin_records(struct filter *filter, const struct path_trie *around,
                          struct record_list *list)
{
    static const struct reduction nothing = {0};
    filter_begin(filter, around, &nothing);
    filter->records = list;
}

static enum scan_result scan_token(enum token_kind kind, struct scan *scan)
{
    static const struct slice literals[] = {
        [TOKEN_TRUE] = SLICE_LITERAL("true"),
        [TOKEN_FALSE] = SLICE_LITERAL("false"),
        [TOKEN_NULL] = SLICE_LITERAL("null"),
    };
    if (kind == TOKEN_STRING)
        return scan_string(scan);
    if (kind == TOKEN_NUMBER)
        return scan_number(scan);
    return scan_literal(scan, literals[kind]);
}

static enum filter_fault fault_of(enum scan_result result)
{
    return result == SCAN_UTF8        ? FILTER_UTF8
           : result == SCAN_SURROGATE ? FILTER_SURROGATE
                                      : FILTER_SYNTAX;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Reads the token at window->at; what the end of the window cuts off goes to the carry. */
static enum filter_fault read_token(struct filter *filter, struct window *window,
                                    enum token_kind kind)
{
    const uint8_t *start = window->at;
    size_t n_left = smaller((size_t)(window->end - start), filter->token_bytes_max + 1);
    struct scan scan = {
        .at = kind == TOKEN_STRING ? start + 1 : start,
        .end = start + n_left,
    };
    enum scan_result result = scan_token(kind, &scan);
    if (result == SCAN_DONE) {
        struct token token = {kind, scan.escaped, slice_of(start, (size_t)(scan.at - start))};
        enum filter_fault fault = structure_take(filter, &token);
        if (fault == FILTER_OK)
            window->at = scan.at;
        return fault;
    }
    if (result != SCAN_MORE) {
        window->at = scan.at;
        return fault_of(result);
    }

    if (n_left > filter->token_bytes_max)
        return FILTER_TOKEN;
    if (!buffer_append(&filter->carry, slice_of(start, n_left)))
        return FILTER_TOO_LARGE;
    filter->is_pending = true;
    filter->pending_kind = kind;
    filter->pending_offset = window->offset + (size_t)(start - window->start);
    filter->pending_at = (size_t)(scan.at - start);
    filter->pending_part = scan.part;
    filter->pending_escaped = scan.escaped;
    window->at = window->end;
    return FILTER_OK;
}

/* The carried token is whole: its first `n_token` bytes. */
static enum filter_fault take_pending(struct filter *filter, size_t n_token)
{
    struct token token = {filter->pending_kind, filter->pending_escaped,
                          slice_of(filter->carry.p, n_token)};
    enum filter_fault fault = structure_take(filter, &token);
    buffer_cut(&filter->carry, 0);
    filter->is_pending = false;
    return fault;
}

/*
 * Adds bytes of the window to the carried token until it is whole, or the window is used up. What
 * is added at a time grows with the token, so that the copying is linear in its length. On a
 * fault the window becomes the carry, as the fault lies there.
 */
static enum filter_fault resume_token(struct filter *filter, struct window *window)
{
    struct buffer *carry = &filter->carry;
    while (window->at < window->end) {
        size_t n_before = carry->n;
        size_t n_more = n_before < CARRY_STEP_BYTES ? CARRY_STEP_BYTES : n_before;
        n_more = smaller(n_more, (size_t)(window->end - window->at));
        n_more = smaller(n_more, filter->token_bytes_max + 1 - n_before);
        if (!buffer_append(carry, slice_of(window->at, n_more)))
            return FILTER_TOO_LARGE;

        struct scan scan = {
            .at = carry->p + filter->pending_at,
            .end = carry->p + carry->n,
            .part = filter->pending_part,
            .escaped = filter->pending_escaped,
        };
        enum scan_result result = scan_token(filter->pending_kind, &scan);
        size_t n_scanned = (size_t)(scan.at - carry->p);
        filter->pending_at = n_scanned;
        filter->pending_part = scan.part;
        filter->pending_escaped = scan.escaped;
        enum filter_fault fault = FILTER_OK;
        if (result == SCAN_DONE) {
            fault = take_pending(filter, n_scanned);
            n_scanned = fault == FILTER_OK ? n_scanned : 0;
        } else if (result != SCAN_MORE) {
            fault = fault_of(result);
        } else if (carry->n > filter->token_bytes_max) {
            fault = FILTER_TOKEN;
            n_scanned = 0;
        }
        if (fault != FILTER_OK) {
            *window = (struct window){carry->p, carry->p + n_scanned, carry->p + n_scanned,
                                      filter->pending_offset};
            return fault;
        }
        window->at += result == SCAN_DONE ? n_scanned - n_before : n_more;
        if (result == SCAN_DONE)
            return FILTER_OK;
    }
    return FILTER_OK;
}

static const uint8_t *skip_space(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static enum filter_fault read_tokens(struct filter *filter, struct window *window)
{
    enum filter_fault fault = FILTER_OK;
    while (fault == FILTER_OK) {
        window->at = skip_space(window->at, window->end);
        if (window->at == window->end)
            break;
        enum lead lead = leads[*window->at];
        if (!(legal_in[lead] & 1 << filter->expect))
            return FILTER_SYNTAX;
        switch (lead) {
        case LEAD_OBJECT:
        case LEAD_ARRAY:
            filter->container_at = window->offset + (size_t)(window->at - window->start);
            fault = structure_open(filter, lead == LEAD_OBJECT);
            break;
        case LEAD_OBJECT_END:
        case LEAD_ARRAY_END:
            filter->container_at = window->offset + (size_t)(window->at - window->start);
            fault = structure_close(filter);
            break;
        case LEAD_COLON:
            filter->expect = EXPECT_VALUE;
            break;
        case LEAD_COMMA:
            filter->expect = filter->expect == EXPECT_MEMBER_END ? EXPECT_KEY : EXPECT_VALUE;
            break;
        default:
            fault = read_token(filter, window, (enum token_kind)(lead - LEAD_STRING));
            continue;
        }
        window->at += fault == FILTER_OK;
    }
    return fault;
}

static enum sl_err error_of(enum filter_fault fault)
{
    switch (fault) {
    case FILTER_OK:
        return SL_OK;
    case FILTER_DEPTH:
    case FILTER_TOKEN:
    case FILTER_MEMBERS:
    case FILTER_TOO_LARGE:
        return SL_ELIMIT;
    default:
        return SL_EMALFORMED;
    }
}

/* The answer is lost; what was emitted of it is wiped at once. */
static enum sl_err fail(struct filter *filter, enum filter_fault fault, size_t at)
{
    filter->fault = fault;
    filter->fault_at = at;
    buffer_wipe(&filter->output);
    return error_of(fault);
}

enum sl_err filter_feed(struct filter *filter, struct slice piece)
{
    if (filter->fault != FILTER_OK)
        return error_of(filter->fault);
    SL_ASSERT(filter->trie && !filter->finished);
    size_t n_allowed = smaller(piece.n, filter->answer_bytes_max - filter->n_fed);
    if (piece.n == 0)
        return SL_OK;

    struct window window = {piece.p, piece.p, piece.p + n_allowed, filter->n_fed};
    enum filter_fault fault = FILTER_OK;
    if (filter->is_pending)
        fault = resume_token(filter, &window);
    if (fault == FILTER_OK)
        fault = read_tokens(filter, &window);
    if (fault == FILTER_OK && n_allowed < piece.n)
        fault = FILTER_TOO_LARGE;
    if (fault != FILTER_OK)
        return fail(filter, fault, window.offset + (size_t)(window.at - window.start));
    filter->n_fed += n_allowed;
    return SL_OK;
}

enum sl_err filter_finish(struct filter *filter)
{
    if (filter->fault != FILTER_OK)
        return error_of(filter->fault);
    SL_ASSERT(filter->trie && !filter->finished);
    /* Only a number does not show its end by itself, and only as the root. */
    struct scan scan = {.part = filter->pending_part};
    if (filter->is_pending && filter->pending_kind == TOKEN_NUMBER && scan_number_is_whole(&scan)) {
        enum filter_fault fault = take_pending(filter, filter->carry.n);
        if (fault != FILTER_OK)
            return fail(filter, fault, filter->pending_offset);
    }
    if (filter->expect != EXPECT_NOTHING)
        return fail(filter, FILTER_TRUNCATED, filter->n_fed);
    if (filter->records && !filter->records->has_list)
        return fail(filter, FILTER_RECORD, filter->n_fed);
    if (filter->cuts != 0) {
        enum filter_fault fault = cut_apply(&filter->cut, &filter->output);
        if (fault != FILTER_OK)
            return fail(filter, fault, filter->n_fed);
    }
    filter->finished = true;
    filter->trie = NULL;
    filter->reduction = NULL;
    filter->records = NULL;
    return SL_OK;
}

struct slice filter_output(const struct filter *filter)
{
    if (!filter->finished)
        return (struct slice){NULL, 0};
    return slice_of(filter->output.p, filter->output.n);
}

enum filter_fault filter_fault(const struct filter *filter)
{
    return filter->fault;
}

uint64_t filter_fault_at(const struct filter *filter)
{
    return filter->fault_at;
}

const char *filter_fault_name(enum filter_fault fault)
{
    static const char *const names[] = {
        [FILTER_OK] = "ok",
        [FILTER_SYNTAX] = "syntax",
        [FILTER_UTF8] = "utf8",
        [FILTER_SURROGATE] = "surrogate",
        [FILTER_DUPLICATE_KEY] = "duplicate_key",
        [FILTER_DEPTH] = "depth",
        [FILTER_TOKEN] = "token",
        [FILTER_MEMBERS] = "members",
        [FILTER_TRUNCATED] = "truncated",
        [FILTER_TOO_LARGE] = "too_large",
        [FILTER_SUBJECT] = "subject",
        [FILTER_POSITION] = "position",
        [FILTER_TIME] = "time",
        [FILTER_NUMBER] = "number",
        [FILTER_VALUE] = "value",
        [FILTER_SHAPE] = "shape",
        [FILTER_RECORD] = "record",
    };
    return names[fault];
}
