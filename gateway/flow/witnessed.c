/*
 * witnessed.c - one mutex around what is copied in and out, and one flag that flows look at
 *
 * A flow asks twice and must not wait for anybody: the flag is all it reads.
 */
#include "flow/witnessed.h"

#include "base/durable_file.h"
#include "base/plural.h"
#include "ledger/ledger_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "cosigned.checkpoint";

struct witnessed {
    atomic_bool refuses;
    int folder_fd;
    uint64_t kept_size, kept_time_s;
    uint8_t kept_root[SHA256_BYTES];
    pthread_mutex_t lock; /* the rest */
    struct witnessed_facts facts;
    size_t note_n;
    uint8_t note[WITNESSED_NOTE_BYTES_MAX];
};

/* The file's checkpoint, when it holds under the policy of today. */
static bool use_file(struct witnessed *witnessed, const struct tlog_policy *policy)
{
    struct tlog_policy_found found;
    struct checkpoint checkpoint;
    size_t n = 0;
    if (durable_file_read(witnessed->folder_fd, file_name, witnessed->note, sizeof witnessed->note,
                          &n) != SL_OK ||
        n == 0 ||
        tlog_policy_check(policy, slice_of(witnessed->note, n), &found) != TLOG_POLICY_HOLDS ||
        checkpoint_parse(found.text, &checkpoint) != SL_OK)
        return false;
    witnessed->note_n = n;
    witnessed->kept_size = witnessed->facts.size = checkpoint.size;
    witnessed->kept_time_s = found.oldest_time_s;
    memcpy(witnessed->kept_root, checkpoint.root, sizeof witnessed->kept_root);
    return true;
}

enum sl_err witnessed_new(const struct config *config, struct witnessed **out)
{
    const struct tlog_policy *policy = config->witnesses->policy;
    struct witnessed *witnessed = calloc(1, sizeof *witnessed);
    if (!witnessed)
        return SL_EINTERNAL;
    pthread_mutex_init(&witnessed->lock, NULL);
    witnessed->folder_fd = open(config->state_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (witnessed->folder_fd < 0) {
        witnessed_free(witnessed);
        return SL_ESTORE;
    }
    (void)use_file(witnessed, policy);
    witnessed->facts.n_witnesses = policy->n_witnesses;
    for (size_t i = 0; i < policy->n_witnesses; i++)
        witnessed->facts.witnesses[i].name = tlog_policy_witness_name(policy, i);
    *out = witnessed;
    return SL_OK;
}

void witnessed_free(struct witnessed *witnessed)
{
    if (!witnessed)
        return;
    if (witnessed->folder_fd >= 0)
        close(witnessed->folder_fd);
    pthread_mutex_destroy(&witnessed->lock);
    free(witnessed);
}

enum sl_err witnessed_check_ledger(const struct witnessed *witnessed, struct recorder *recorder,
                                   struct recorder_problem *problem)
{
    static const char advice[] =
        "Restore the newest copy of the whole state folder. Going on would "
        "sign a second history, which the witnesses would refuse";
    uint64_t size = recorder_tree_size(recorder);
    if (witnessed->kept_size == 0)
        return SL_OK;
    if (size < witnessed->kept_size) {
        snprintf(problem->text, sizeof problem->text,
                 "the ledger has %llu %s, but witnesses have cosigned %llu (%s in the state "
                 "folder): it was cut, or is an older copy. %s",
                 (unsigned long long)size, plural(size, "receipt", "receipts"),
                 (unsigned long long)witnessed->kept_size, file_name, advice);
        return SL_EMALFORMED;
    }
    SL_AUTO(ledger_reader) reader = NULL;
    struct ledger_head head;
    uint8_t root[SHA256_BYTES];
    SL_TRY(recorder_reader_new(recorder, problem, &reader));
    ledger_reader_head(reader, &head);
    if (ledger_reader_root(reader, &head, witnessed->kept_size, root) != SL_OK) {
        snprintf(problem->text, sizeof problem->text, "%s", ledger_reader_problem(reader));
        return SL_ESTORE;
    }
    if (memcmp(root, witnessed->kept_root, sizeof root) == 0)
        return SL_OK;
    snprintf(problem->text, sizeof problem->text,
             "the first %llu %s not what witnesses have cosigned (%s in the state "
             "folder): this is another ledger. %s",
             (unsigned long long)witnessed->kept_size,
             plural(witnessed->kept_size, "receipt is", "receipts are"), file_name, advice);
    return SL_EMALFORMED;
}

/* --------------------------------------------------------------------------------- reading -- */

bool witnessed_refuses(const struct witnessed *witnessed)
{
    return atomic_load_explicit(&witnessed->refuses, memory_order_relaxed);
}

size_t witnessed_checkpoint(struct witnessed *witnessed, uint8_t note[WITNESSED_NOTE_BYTES_MAX])
{
    pthread_mutex_lock(&witnessed->lock);
    size_t n = witnessed->note_n;
    memcpy(note, witnessed->note, n);
    pthread_mutex_unlock(&witnessed->lock);
    return n;
}

void witnessed_read(struct witnessed *witnessed, struct witnessed_facts *out)
{
    pthread_mutex_lock(&witnessed->lock);
    *out = witnessed->facts;
    pthread_mutex_unlock(&witnessed->lock);
}

uint64_t witnessed_kept_size(const struct witnessed *witnessed)
{
    return witnessed->kept_size;
}

uint64_t witnessed_kept_time_s(const struct witnessed *witnessed)
{
    return witnessed->kept_time_s;
}

/* --------------------------------------------------------------------------------- writing -- */

enum sl_err witnessed_put_checkpoint(struct witnessed *witnessed, struct slice note, uint64_t size)
{
    SL_ASSERT(note.n <= sizeof witnessed->note);
    pthread_mutex_lock(&witnessed->lock);
    memcpy(witnessed->note, note.p, note.n);
    witnessed->note_n = note.n;
    witnessed->facts.size = size;
    pthread_mutex_unlock(&witnessed->lock);
    return durable_file_replace(witnessed->folder_fd, file_name, 0644, note);
}

void witnessed_put_witness(struct witnessed *witnessed, size_t witness,
                           const struct witness_fact *fact)
{
    pthread_mutex_lock(&witnessed->lock);
    SL_ASSERT(witness < witnessed->facts.n_witnesses);
    witnessed->facts.witnesses[witness] = *fact;
    pthread_mutex_unlock(&witnessed->lock);
}

void witnessed_put_age(struct witnessed *witnessed, uint64_t unwitnessed_ms, bool is_missed,
                       bool refuses, const char *text)
{
    pthread_mutex_lock(&witnessed->lock);
    witnessed->facts.unwitnessed_s = unwitnessed_ms / 1000;
    witnessed->facts.is_missed = is_missed;
    witnessed->facts.refuses = refuses;
    witnessed->facts.text = text;
    pthread_mutex_unlock(&witnessed->lock);
    atomic_store_explicit(&witnessed->refuses, refuses, memory_order_relaxed);
}
