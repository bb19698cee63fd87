/*
 * index_reader.h - looking into the index while its writer goes on
 *
 * Shape   one reader for each thread. It sees what was committed and, in the writer's own process,
 *         what is still pending: so everything up to the newest batch.
 * Trust   none: places and hashes are hints, to be proven against a checkpoint
 * Owns    its transaction; the index must outlive it
 * Errors  SL_ESTORE with a text in index_reader_problem()
 */
#ifndef SLUIS_LEDGER_INDEX_READER_H
#define SLUIS_LEDGER_INDEX_READER_H

#include "ledger/index.h"

struct index_reader;

/* In the process that writes the index. */
SL_NODISCARD enum sl_err index_reader_new(struct ledger_index *index, struct index_reader **out);
/*
 * In another process, or on a copy. Takes no lock and writes nothing, so a gateway that writes at
 * the same time may make it see nonsense, and a damaged file may crash it: LMDB believes its files.
 * Who reads an index that may be either does it in a process of its own, and proves what comes out.
 */
SL_NODISCARD enum sl_err index_reader_open(const char *folder, struct index_problem *problem,
                                           struct index_reader **out);
void index_reader_free(struct index_reader *reader);
SL_DEFINE_AUTO(index_reader, index_reader_free)

/* How far was committed. *found is false for an index that has seen nothing. */
SL_NODISCARD enum sl_err index_reader_state(struct index_reader *reader, struct index_state *out,
                                            bool *found);
/*
 * The last batch known to begin at or before `receipt`: for the first receipt of a tile it is the
 * batch that holds it, for others one from which it is found by reading on, in less than a tile.
 */
SL_NODISCARD enum sl_err index_reader_place(struct index_reader *reader, uint64_t receipt,
                                            struct index_batch *out, bool *found);
/* Of the complete subtree over the leaves [index << level, (index + 1) << level); level >= 8. */
SL_NODISCARD enum sl_err index_reader_hash(struct index_reader *reader, unsigned level,
                                           uint64_t index, uint8_t hash[SHA256_BYTES], bool *found);
/* What the last SL_ESTORE was. */
const char *index_reader_problem(const struct index_reader *reader);

#endif
