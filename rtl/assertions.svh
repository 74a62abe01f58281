// SPDX-License-Identifier: Apache-2.0
// Checks that stand in the code they guard, with one real flavour for each tool.
//
// ASSERT(Name, Condition): Condition holds at every clock edge outside reset. Expects clk_i and
// rst_ni in scope: a formal `assert` where FORMAL is defined, a
// fatal message in every simulator (%m ends in Name), nothing in synthesis.
`ifndef ASSERTIONS_SVH_
`define ASSERTIONS_SVH_

// REQUIRE(Name, Condition, Message): a parameter is legal. Fails elaboration; Icarus 11 has no
// elaboration-time $error, so there the simulation ends at time 0.
`ifdef __ICARUS__
`define REQUIRE(Name, Condition, Message) \
  initial if (!(Condition)) begin : Name \
    $fatal(1, Message); \
  end
`else
`define REQUIRE(Name, Condition, Message) \
  if (!(Condition)) begin : gen_require_``Name \
    $error(Message); \
  end
`endif

`ifdef FORMAL
`define ASSERT(Name, Condition) \
  always_comb if (rst_ni) Name: assert (Condition);
`elsif SYNTHESIS
`define ASSERT(Name, Condition)
`else
`define ASSERT(Name, Condition) \
  always @(posedge clk_i) begin : Name \
    if (rst_ni === 1'b1 && (Condition) !== 1'b1) $fatal(1, "%m does not hold"); \
  end
`endif

`endif
