/*
 * faults.h - system calls that fail on demand; link with --wrap=send,--wrap=calloc
 */
#ifndef SLUIS_TEST_FAULTS_H
#define SLUIS_TEST_FAULTS_H

/* The next so many calls: EPIPE; half of what was asked and then EAGAIN, in turns; no memory. */
extern int n_sends_to_break, n_sends_to_block, n_callocs_to_fail;

#endif
