/* What is known by an id: slots are used again, and an id never means another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/slots.h"

enum { MANY = 1000 };

static int items[MANY];

static void test_many(void **state) {
  (void)state;
  lp_slots slots = {.slots = NULL};
  lp_id ids[MANY];
  for (size_t i = 0; i < MANY; i++) {
    ids[i] = lp_slots_add(&slots, &items[i]);
    assert_int_equal(lp_id_slot(ids[i]), i + 1);
  }
  for (size_t i = 0; i < MANY; i += 2) lp_slots_remove(&slots, ids[i]);
  for (size_t i = 0; i < MANY; i++) assert_ptr_equal(lp_slots_get(&slots, ids[i]), i % 2 ? &items[i] : NULL);
  for (size_t i = 0; i < MANY; i += 2) assert_true(lp_id_slot(lp_slots_add(&slots, &items[i])) <= MANY);
  lp_slots_free(&slots);
}

static void test_past(void **state) {
  (void)state;
  lp_slots slots = {.slots = NULL};
  lp_id first = lp_slots_add(&slots, &items[0]);
  lp_slots_remove(&slots, first);
  lp_id second = lp_slots_add(&slots, &items[1]);
  assert_int_equal(lp_id_slot(first), lp_id_slot(second));
  assert_true(first != second);
  assert_null(lp_slots_get(&slots, first));
  lp_slots_remove(&slots, first);
  assert_ptr_equal(lp_slots_get(&slots, second), &items[1]);
  assert_true(second < (lp_id)1 << 53);
  lp_slots_free(&slots);
}

static void test_none(void **state) {
  (void)state;
  lp_slots slots = {.slots = NULL};
  assert_null(lp_slots_get(&slots, 0));
  assert_null(lp_slots_get(&slots, 1));
  lp_slots_remove(&slots, 12345);
  lp_slots_free(&slots);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many), cmocka_unit_test(test_past),
                                     cmocka_unit_test(test_none)};
  return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
