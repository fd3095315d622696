/* The rows of the matrix of test_evidence: where it fails and how, and what the engine may say of it. */
#ifndef FAULT_CELLS_H
#define FAULT_CELLS_H

#include "fault_listener.h"

enum { CELL_COLUMNS = 6 }; /* HTTP/1.1, TLS, HTTP/2; of each: fresh, reused */

enum { CELL_MAYBE = 99 };

/* Where the request goes: only the first is the listener. */
typedef enum { HOST_LISTENER, HOST_NO_NAME, HOST_SLOW_NAME, HOST_CLOSED, HOST_DEAF } cell_host;

typedef struct {
  const char *name;
  unsigned where; /* a bit per column */
  fault_plan plan;
  unsigned failures, outcomes; /* a bit for each that is right */
  unsigned acted; /* CELL_MAYBE: at most once */
  int status; /* of LP_ANSWERED; 0: 200 */
  cell_host host;
  const char *method; /* NULL: POST with a body */
} cell_row;

extern const cell_row cell_rows[];
extern const size_t cell_row_count;

#endif
