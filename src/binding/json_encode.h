/* The walk that makes JSON of a value: json_encode.c. What it makes of secrets: json_secrets.c. */
#ifndef LP_BINDING_JSON_ENCODE_H
#define LP_BINDING_JSON_ENCODE_H

#include <stdbool.h>

#include "binding/json_place.h"
#include "binding/json_write.h"

enum {
  LP_OUT_SLOT = 2, /* stack slots; 1 is the value */
  LP_KEYS_SLOT,
  LP_HOW_SLOT,  /* LP_REVEALED: the function that does it; LP_LEFT_OUT: a list of texts */
  LP_OMIT_SLOT, /* LP_LEFT_OUT: name -> true, or a table of the same for the object of that name */
};

typedef struct {
  lua_State *L;
  lp_room out;
  const lp_escape *escapes;
  lp_room keys; /* of the objects that are being walked, the innermost one's last */
  enum { LP_SHOWN, LP_REVEALED, LP_LEFT_OUT } secrets;
  int texts;    /* LP_LEFT_OUT: how many texts there are that are secret */
  bool gone;    /* the last value was left out */
  bool changed; /* something in the array that is being walked was */
} lp_encoder;

/* The value is argument 1, and LP_HOW_SLOT and LP_OMIT_SLOT have what they are for: -> text | nil, message; nil alone
 * where the value was left out. */
int lp_encode(lp_encoder *e);

/* Each puts the value on top, which stays there; false, and a message on top of it, where it has no JSON form. */
bool lp_encode_string(lp_encoder *e, const lp_place *up);
bool lp_encode_secret(lp_encoder *e, const lp_place *up);

/* Whether the string on top is one of the texts that are left out. */
bool lp_is_secret_text(const lp_encoder *e);

#endif
