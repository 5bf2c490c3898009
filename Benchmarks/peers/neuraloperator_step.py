"""Times a training step and an inference of neuraloperator's FNO or TFNO on synthetic data."""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["fno", "tfno"], default="fno")
    parser.add_argument("--modes", type=common.grid, default=(24, 24))
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--grid", type=common.grid, default=(64, 64))
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--input-channels", type=int, default=1)
    parser.add_argument("--output-channels", type=int, default=1)
    parser.add_argument("--no-channel-mlp", action="store_true")
    parser.add_argument("--factorization", choices=["tucker", "cp", "tt"], help="of tfno; tucker by default")
    parser.add_argument("--rank", type=float, help="of tfno; 0.1 by default")
    parser.add_argument(
        "--implementation",
        choices=["factorized", "reconstructed"],
        default="factorized",
        help="of tfno: how factors are applied",
    )
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which wants a C++ compiler")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    return parser.parse_args()


def main():
    options = arguments()
    common.prepare(options.threads)
    import torch
    from neuralop.losses import LpLoss
    from neuralop.models import FNO, TFNO
    from neuralop.utils import count_model_params

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    choices = {
        "n_modes": options.modes,
        "in_channels": options.input_channels,
        "out_channels": options.output_channels,
        "hidden_channels": options.width,
        "n_layers": options.layers,
        "use_channel_mlp": not options.no_channel_mlp,
    }
    if options.model == "tfno":
        choices["factorization"] = options.factorization or "tucker"
        choices["rank"] = 0.1 if options.rank is None else options.rank
        choices["implementation"] = options.implementation
        model = TFNO(**choices)
    else:
        model = FNO(**choices)
    network = torch.compile(model) if options.compile else model
    inputs = torch.randn(options.batch_size, options.input_channels, *options.grid)
    target = torch.randn(options.batch_size, options.output_channels, *options.grid)
    relative_l2 = LpLoss(d=len(options.grid) + 1, reduction="mean")
    # its fused form takes no complex parameters, and its foreach form is no faster on a processor
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-4)

    def train_step():
        optimizer.zero_grad(set_to_none=True)
        relative_l2(network(inputs), target).backward()
        optimizer.step()

    def inference():
        with torch.inference_mode():
            network(inputs)

    train_step_seconds = common.median_seconds(train_step, options.repeats, warm_up=2, limit=10)
    inference_seconds = common.median_seconds(inference, options.repeats, limit=5)
    common.report(
        ["neuraloperator", "torch"],
        train_step_ms=1e3 * train_step_seconds,
        inference_ms=1e3 * inference_seconds,
        parameters=count_model_params(model),
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
