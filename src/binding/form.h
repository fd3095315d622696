/* The body of a new record, checked and written in one walk. See form.c. */
#ifndef LP_BINDING_FORM_H
#define LP_BINDING_FORM_H

#include <lua.h>

/* Takes the escapes (a userdata, see lp_learn_escapes) from the stack and pushes form(fields) -> form. */
void lp_push_form_maker(lua_State *L);

#endif
