/*
 * edge_problem.h - why a listener could not be started, in words for the operator
 */
#ifndef SLUIS_EDGE_EDGE_PROBLEM_H
#define SLUIS_EDGE_EDGE_PROBLEM_H

struct edge_problem {
    char text[512];
};

#endif
