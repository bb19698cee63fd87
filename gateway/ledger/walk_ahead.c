/*
 * walk_ahead.c - a ring of stretches, filled by one thread and proven by many
 *
 *     segment  | ... | batch | batch | batch | batch | batch | batch | batch |    zeros
 *                    ^ walk->offset                          ^ read_at
 *                    \______ stretch ______/ \__ stretch ___/
 *                      EMPTY ──▶ READ ──▶ IN_WORK ──▶ PROVEN ──▶ EMPTY
 *                        the walk's       any thread           the walk's
 *
 * A stretch is as many whole batches as one read has brought in. The walk's thread reads, and takes
 * the oldest stretch when it is proven; while it would have to wait, it proves one, too.
 *
 * Only the answer "all of it holds" counts. Anything else (bytes that are no batch, the end of the
 * segment, a batch that does not hold, a key that has changed meanwhile) ends the stretches, and
 * the walk goes on by itself from where it stands. So there is one place that names what is wrong,
 * and it says the same with and without threads.
 */
#include "ledger/walk_ahead.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum {
    STRETCH_READ_BYTES = 1 << 18,
    STRETCH_BATCHES = 64,
    STRETCHES_PER_THREAD = 2,
};

_Static_assert((int)STRETCH_READ_BYTES <= (int)BATCH_PADDED_BYTES_MAX, "either read fits");

struct ahead_batch {
    bool holds;
    struct slice bytes; /* with the padding */
    struct batch batch;
    struct batch_proof proof;
};

struct stretch {
    enum { EMPTY, READ, IN_WORK, PROVEN } state;
    uint8_t *block; /* BATCH_PADDED_BYTES_MAX */
    size_t n_batches;
    struct ahead_batch batches[STRETCH_BATCHES];
};

/* What a thread needs to prove batches alone: a walk that is nowhere, with a key of its own. */
struct prover {
    struct walk_ahead *ahead;
    struct walk walk;
    pthread_t thread;
};

struct walk_ahead {
    pthread_mutex_t lock; /* over the stretches' states, `oldest`, and `stop` */
    pthread_cond_t to_prove, proven;
    bool stop;
    size_t n_stretches, n_threads, n_started;
    struct stretch *stretches; /* a ring: `n_used` from `oldest` on */
    struct prover *provers;    /* [n_threads] is the walk's own */
    size_t oldest;
    /* The rest is the walk's thread's alone. */
    size_t n_used, next_batch;
    const struct note_verifier *key; /* the walk's, that the provers have copies of */
    uint64_t segment_first, offset;  /* of the next batch in the oldest stretch */
    uint64_t read_at;
    bool has_ended; /* nothing more to read from read_at on */
};

/* ------------------------------------------------------------------------------- proving -- */

static bool holds_alone(struct walk *walk, struct ahead_batch *ahead)
{
    uint32_t total;
    if (batch_length(ahead->bytes, &total) != SL_OK ||
        batch_parse(slice_of(ahead->bytes.p, total), &ahead->batch) != SL_OK)
        return false;
    return slice_is_zero(slice_of(ahead->bytes.p + total, ahead->bytes.n - total)) &&
           walk_prove_alone(walk, &ahead->batch, &ahead->proof) == WALK_BATCH;
}

/* The oldest stretch that nobody has begun with; NULL when there is none. The lock is held. */
static struct stretch *take_work(struct walk_ahead *ahead)
{
    for (size_t i = 0; i < ahead->n_stretches; i++) {
        struct stretch *stretch = &ahead->stretches[(ahead->oldest + i) % ahead->n_stretches];
        if (stretch->state != READ)
            continue;
        stretch->state = IN_WORK;
        return stretch;
    }
    return NULL;
}

/* The lock is held, but for the proving itself. */
static void prove_stretch(struct prover *prover, struct stretch *stretch)
{
    struct walk_ahead *ahead = prover->ahead;
    (void)pthread_mutex_unlock(&ahead->lock);
    for (size_t i = 0; i < stretch->n_batches; i++)
        stretch->batches[i].holds = holds_alone(&prover->walk, &stretch->batches[i]);
    (void)pthread_mutex_lock(&ahead->lock);
    stretch->state = PROVEN;
    (void)pthread_cond_broadcast(&ahead->proven);
}

static void *prove(void *context)
{
    struct prover *prover = context;
    struct walk_ahead *ahead = prover->ahead;
    (void)pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop) {
        struct stretch *stretch = take_work(ahead);
        if (stretch)
            prove_stretch(prover, stretch);
        else
            (void)pthread_cond_wait(&ahead->to_prove, &ahead->lock);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* ------------------------------------------------------------------------------- reading -- */

/* An error is no bytes here; the walk will meet it itself. */
static size_t read_up_to(int fd, uint8_t *block, size_t n, uint64_t offset)
{
    ssize_t got = walk_pread(fd, block, n, offset);
    return got > 0 ? (size_t)got : 0;
}

/* Bytes on disk of the batch that begins at `p`; 0 when there is none that could be. */
static uint64_t padded_length(const struct walk_ahead *ahead, const struct walk *walk,
                              struct slice bytes)
{
    uint32_t total;
    if (bytes.n < BATCH_HEAD_BYTES || batch_length(bytes, &total) != SL_OK)
        return 0;
    uint64_t padded = align_up(total, walk->alignment);
    return padded <= walk->segment_bytes - ahead->read_at ? padded : 0;
}

/* Whole batches from ahead->read_at on. None: there is nothing that could be proven ahead. */
static void read_stretch(struct walk_ahead *ahead, const struct walk *walk, struct stretch *stretch)
{
    size_t n_read =
        read_up_to(walk->segment_fd, stretch->block, STRETCH_READ_BYTES, ahead->read_at);
    uint64_t padded = padded_length(ahead, walk, slice_of(stretch->block, n_read));
    if (padded > n_read)
        n_read += read_up_to(walk->segment_fd, stretch->block + n_read, padded - n_read,
                             ahead->read_at + n_read);
    stretch->n_batches = 0;
    for (size_t at = 0; padded > 0 && padded <= n_read - at;) {
        stretch->batches[stretch->n_batches++].bytes =
            slice_of(stretch->block + at, (size_t)padded);
        at += (size_t)padded;
        ahead->read_at += padded;
        if (stretch->n_batches == STRETCH_BATCHES)
            break;
        padded = padded_length(ahead, walk, slice_of(stretch->block + at, n_read - at));
    }
}

static void fill(struct walk_ahead *ahead, const struct walk *walk)
{
    while (!ahead->has_ended && ahead->n_used < ahead->n_stretches) {
        struct stretch *stretch =
            &ahead->stretches[(ahead->oldest + ahead->n_used) % ahead->n_stretches];
        if (ahead->read_at < walk->segment_bytes)
            read_stretch(ahead, walk, stretch);
        else
            stretch->n_batches = 0;
        ahead->has_ended = stretch->n_batches == 0;
        if (ahead->has_ended)
            return;
        ahead->n_used++;
        (void)pthread_mutex_lock(&ahead->lock);
        stretch->state = READ;
        (void)pthread_cond_signal(&ahead->to_prove);
        (void)pthread_mutex_unlock(&ahead->lock);
    }
}

/* --------------------------------------------------------------------------- the walk's side -- */

/* Until `stretch` is proven; meanwhile this thread proves, too. */
static void wait_for(struct walk_ahead *ahead, const struct stretch *stretch)
{
    struct prover *own = &ahead->provers[ahead->n_threads];
    (void)pthread_mutex_lock(&ahead->lock);
    while (stretch->state != PROVEN) {
        struct stretch *work = take_work(ahead);
        if (work)
            prove_stretch(own, work);
        else
            (void)pthread_cond_wait(&ahead->proven, &ahead->lock);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
}

/* Nothing of what was read ahead counts any more. */
static void forget(struct walk_ahead *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    for (size_t i = 0; i < ahead->n_stretches; i++) {
        struct stretch *stretch = &ahead->stretches[i];
        while (stretch->state == IN_WORK)
            (void)pthread_cond_wait(&ahead->proven, &ahead->lock);
        stretch->state = EMPTY;
    }
    (void)pthread_mutex_unlock(&ahead->lock);
    ahead->n_used = 0;
    ahead->next_batch = 0;
    ahead->has_ended = true;
}

/* Each prover gets a key of its own; nothing is being proven. False: out of memory. */
static bool take_key(struct walk_ahead *ahead, const struct note_verifier *key)
{
    ahead->key = NULL;
    for (size_t i = 0; i <= ahead->n_threads; i++) {
        struct note_verifier *copy = NULL;
        if (note_verifier_copy(key, &copy) != SL_OK)
            return false;
        note_verifier_free(ahead->provers[i].walk.verifier);
        ahead->provers[i].walk.verifier = copy;
    }
    ahead->key = key;
    return true;
}

/* The oldest stretch has been used up. */
static void drop_oldest(struct walk_ahead *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->stretches[ahead->oldest].state = EMPTY;
    ahead->oldest = (ahead->oldest + 1) % ahead->n_stretches;
    (void)pthread_mutex_unlock(&ahead->lock);
    ahead->n_used--;
    ahead->next_batch = 0;
}

const struct batch_proof *walk_ahead_next(struct walk_ahead *ahead, const struct walk *walk,
                                          struct batch *batch, uint64_t *padded_bytes)
{
    if (ahead->key != walk->verifier) {
        forget(ahead);
        if (!take_key(ahead, walk->verifier))
            return NULL;
    }
    if (ahead->segment_first != walk->segment_first || ahead->offset != walk->offset) {
        forget(ahead);
        ahead->segment_first = walk->segment_first;
        ahead->offset = ahead->read_at = walk->offset;
        ahead->has_ended = false;
    }
    if (ahead->n_used > 0 && ahead->next_batch == ahead->stretches[ahead->oldest].n_batches)
        drop_oldest(ahead);
    fill(ahead, walk);
    if (ahead->n_used == 0)
        return NULL;
    struct stretch *stretch = &ahead->stretches[ahead->oldest];
    if (ahead->next_batch == 0)
        wait_for(ahead, stretch);
    struct ahead_batch *next = &stretch->batches[ahead->next_batch];
    if (!next->holds) {
        forget(ahead);
        return NULL;
    }
    ahead->next_batch++;
    ahead->offset += next->bytes.n;
    *batch = next->batch;
    *padded_bytes = next->bytes.n;
    return &next->proof;
}

/* --------------------------------------------------------------------------- begin and end -- */

enum sl_err walk_ahead_new(size_t n_threads, struct walk_ahead **out)
{
    SL_AUTO(walk_ahead) ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return SL_EINTERNAL;
    SL_ASSERT(pthread_mutex_init(&ahead->lock, NULL) == 0);
    SL_ASSERT(pthread_cond_init(&ahead->to_prove, NULL) == 0);
    SL_ASSERT(pthread_cond_init(&ahead->proven, NULL) == 0);
    ahead->n_threads = n_threads;
    ahead->n_stretches = STRETCHES_PER_THREAD * (n_threads + 1);
    ahead->segment_first = UINT64_MAX; /* nowhere */
    ahead->provers = calloc(n_threads + 1, sizeof *ahead->provers);
    ahead->stretches = calloc(ahead->n_stretches, sizeof *ahead->stretches);
    if (!ahead->provers || !ahead->stretches)
        return SL_EINTERNAL;
    for (size_t i = 0; i < ahead->n_stretches; i++) {
        ahead->stretches[i].block = malloc(BATCH_PADDED_BYTES_MAX);
        if (!ahead->stretches[i].block)
            return SL_EINTERNAL;
    }
    for (size_t i = 0; i <= n_threads; i++)
        ahead->provers[i].ahead = ahead;
    for (; ahead->n_started < n_threads; ahead->n_started++) {
        struct prover *prover = &ahead->provers[ahead->n_started];
        SL_TRY(thread_start(&prover->thread, "prove", prove, prover));
    }
    *out = ahead;
    ahead = NULL;
    return SL_OK;
}

void walk_ahead_free(struct walk_ahead *ahead)
{
    if (!ahead)
        return;
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    (void)pthread_cond_broadcast(&ahead->to_prove);
    (void)pthread_mutex_unlock(&ahead->lock);
    for (size_t i = 0; i < ahead->n_started; i++)
        (void)pthread_join(ahead->provers[i].thread, NULL);
    for (size_t i = 0; ahead->provers && i <= ahead->n_threads; i++)
        note_verifier_free(ahead->provers[i].walk.verifier);
    for (size_t i = 0; ahead->stretches && i < ahead->n_stretches; i++)
        free(ahead->stretches[i].block);
    (void)pthread_cond_destroy(&ahead->proven);
    (void)pthread_cond_destroy(&ahead->to_prove);
    (void)pthread_mutex_destroy(&ahead->lock);
    free(ahead->provers);
    free(ahead->stretches);
    free(ahead);
}
