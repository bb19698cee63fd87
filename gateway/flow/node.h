/*
 * node.h - one state folder, opened: its lock, keys, store and recorder
 *
 * Shape   what the daemon holds while it runs, and what `sluis` holds for a moment when no daemon
 *         does; whoever has the lock is the one writer of the ledger and of the store
 * Owns    all of it but the configuration
 * Errors  the text in node_problem tells the operator what to do
 */
#ifndef SLUIS_FLOW_NODE_H
#define SLUIS_FLOW_NODE_H

#include "config/config.h"
#include "flow/change.h"
#include "flow/lock.h"
#include "flow/situations.h"
#include "flow/upkeep.h"
#include "flow/witnessed.h"
#include "identify/pseudonym.h"
#include "ledger/index_rebuild.h"
#include "ledger/last_checkpoint.h"
#include "ledger/note.h"

struct page;

struct node {
    const struct config *config;
    int lock_fd;
    struct store *store;
    struct change_memory memory; /* the recorder's view of the store */
    struct recorder *recorder;
    struct last_checkpoint *last_checkpoint;    /* NULL when none is configured */
    bool is_first_kept;                         /* its file was not there yet */
    struct witnessed *witnessed;                /* NULL without witnesses */
    struct situations *situations;              /* what apps told; in memory alone */
    struct upkeep *upkeep;                      /* NULL until somebody starts it */
    _Atomic(struct page *) page;                /* the daemon's, while people have one; or NULL */
    uint8_t pseudonym_key[PSEUDONYM_KEY_BYTES]; /* secret */
};

/*
 * Takes the lock, opens store and ledger, writes receipts that a crash left out, and starts the
 * recorder. NODE_LOCKED_BY_OTHER: another process runs on this folder; its id is in the text.
 */
enum node_state node_open(const struct config *config, struct node_problem *problem,
                          struct node **out);
/* How a long ledger is read: with threads beside the caller's, and a look at how far it is. */
struct node_reading {
    unsigned n_helpers;
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total); /* or NULL */
    void *progress_context;
};
/*
 * Throws the ledger's index away and makes it anew; see index_rebuild.h. Nothing else is opened,
 * and nobody else may have the node meanwhile.
 */
enum node_state node_rebuild_index(const struct config *config, const struct node_reading *reading,
                                   struct node_problem *problem, struct index_rebuilt *out);
/*
 * The checkpoint that everybody is shown, a signed note: the newest one that is durable; of a node
 * with witnesses the newest that a quorum has cosigned, as soon as there is one. Returns its
 * length, 0 when nothing was ever recorded. From any thread.
 */
size_t node_note(struct node *node, uint8_t note[NOTE_BYTES_MAX]);
/* Stops the recorder when all it was given is durable, and lets go of the lock. */
void node_close(struct node *node);
SL_DEFINE_AUTO(node, node_close)

#endif
