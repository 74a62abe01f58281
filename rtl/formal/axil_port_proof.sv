// SPDX-License-Identifier: Apache-2.0
// axil_port between a manager and registers that do as they like. What must not change while it
// waits is followed; one write and one read, any ones, are followed by their count.
`default_nettype none
`include "formal.svh"

module axil_port_proof (
  input wire        clk_i,
  input wire        rst_ni,
  input wire [3:0]  awaddr_i,
  input wire        awvalid_i,
  input wire [31:0] wdata_i,
  input wire [3:0]  wstrb_i,
  input wire        wvalid_i,
  input wire        bready_i,
  input wire [3:0]  araddr_i,
  input wire        arvalid_i,
  input wire        rready_i,
  input wire        write_ready_i,
  input wire        write_error_i,
  input wire [31:0] read_data_i,
  input wire        read_error_i,
  input wire        follow_aw_i,
  input wire        follow_w_i,
  input wire        follow_ar_i
);

  `RESET_FIRST
  wire running = started_q & rst_ni;

  wire        awready, wready, bvalid, arready, rvalid, write, read;
  wire [1:0]  bresp, rresp;
  wire [31:0] rdata, write_data;
  wire [3:0]  write_strb;
  wire [1:0]  write_word, read_word;
  axil_port #(.AddrWidth (4)) u_port (
    .clk_i (clk_i), .rst_ni (rst_ni), .s_axil_awaddr (awaddr_i), .s_axil_awvalid (awvalid_i),
    .s_axil_awready (awready), .s_axil_wdata (wdata_i), .s_axil_wstrb (wstrb_i),
    .s_axil_wvalid (wvalid_i), .s_axil_wready (wready), .s_axil_bresp (bresp),
    .s_axil_bvalid (bvalid), .s_axil_bready (bready_i), .s_axil_araddr (araddr_i),
    .s_axil_arvalid (arvalid_i), .s_axil_arready (arready), .s_axil_rdata (rdata),
    .s_axil_rresp (rresp), .s_axil_rvalid (rvalid), .s_axil_rready (rready_i),
    .write_ready_i (write_ready_i), .write_o (write), .write_word_o (write_word),
    .write_data_o (write_data), .write_strb_o (write_strb), .write_error_i (write_error_i),
    .read_o (read), .read_word_o (read_word), .read_data_i (read_data_i),
    .read_error_i (read_error_i)
  );

  // ---- Requests, each a stream from the manager to the strobe, in order and once.
  wire [2:0] aw_held, w_held, ar_held, aw_through, w_through, ar_through;
  stream_order #(.Width (2), .Depth (2)) u_aw (
    .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (1'b0), .in_valid_i (awvalid_i),
    .in_ready_i (awready), .in_data_i (awaddr_i[3:2]), .out_valid_i (write), .out_ready_i (1'b1),
    .out_data_i (write_word), .follow_i (follow_aw_i), .held_o (aw_held),
    .through_o (aw_through[0])
  );
  stream_order #(.Width (36), .Depth (2)) u_w (
    .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (1'b0), .in_valid_i (wvalid_i),
    .in_ready_i (wready), .in_data_i ({wstrb_i, wdata_i}), .out_valid_i (write),
    .out_ready_i (1'b1), .out_data_i ({write_strb, write_data}), .follow_i (follow_w_i),
    .held_o (w_held), .through_o (w_through[0])
  );
  stream_order #(.Width (2), .Depth (2)) u_ar (
    .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (1'b0), .in_valid_i (arvalid_i),
    .in_ready_i (arready), .in_data_i (araddr_i[3:2]), .out_valid_i (read), .out_ready_i (1'b1),
    .out_data_i (read_word), .follow_i (follow_ar_i), .held_o (ar_held),
    .through_o (ar_through[0])
  );

  // ---- Responses: exactly while a request was carried out and its answer not taken.
  logic        b_due_q, r_due_q, in_reset_q = 1'b1;
  logic [1:0]  b_answer_q;
  logic [33:0] r_answer_q;
  always_ff @(posedge clk_i) begin
    in_reset_q <= !rst_ni;
    b_due_q    <= rst_ni & (write | (b_due_q & ~bready_i));
    r_due_q    <= rst_ni & (read | (r_due_q & ~rready_i));
    if (write) b_answer_q <= write_error_i ? 2'b10 : 2'b00;
    if (read) r_answer_q <= {read_error_i ? 2'b10 : 2'b00, read_error_i ? 32'd0 : read_data_i};
  end
  `PROVE(LowAfterReset, !started_q || !in_reset_q ||
                        (!bvalid && !rvalid && !awready && !wready && !arready))
  `PROVE(WriteAnswered, !running || bvalid == b_due_q)
  `PROVE(WriteAnswer, !running || !bvalid || bresp == b_answer_q)
  `PROVE(ReadAnswered, !running || rvalid == r_due_q)
  `PROVE(ReadAnswer, !running || !rvalid || {rresp, rdata} == r_answer_q)
  `PROVE(NoAnswerLost, !running || (!(write && b_due_q) || bready_i) &&
                                   (!(read && r_due_q) || rready_i))
  // Nothing waits without a reason.
  `PROVE(WriteInTime, !running || write == (aw_held != '0 && w_held != '0 && write_ready_i &&
                                            (!bvalid || bready_i)))
  `PROVE(ReadInTime, !running || read == (ar_held != '0 && (!rvalid || rready_i)))

  wire [4:0] reach = {aw_through[0], w_through[0], ar_through[0], bvalid & bresp != 2'b00 & write,
                      rvalid & ~rready_i & ar_held == 2};
  `REACH(5, reach)

endmodule

`default_nettype wire
