/*
 * problem.h - what a partner is told when nothing is released: RFC 9457 problem documents
 *
 * Each has a stable `type` (a relative reference below /problems/, explained in
 * docs/partners.md), the same `reason` as in the receipt, and words that say what to do.
 */
#ifndef SLUIS_EDGE_PROBLEM_H
#define SLUIS_EDGE_PROBLEM_H

#include "edge/guard_problem.h"
#include "flow/flow.h"

const struct problem *problem_of_reason(enum reason reason);
const struct problem *problem_of_answer(enum answer_kind kind);

#endif
