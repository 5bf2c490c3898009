"""Trains neuraloperator's FNO on a data set and reports its relative L2 on another, and the wall time.

The defaults are those of the published comparison: n_modes 12x12, width 32, 4 layers, Adam at 2e-3 with weight decay
1e-4 (torch.optim.Adam, which adds the decay to the gradient: L2; neuraloperator's own AdamW decouples it and divides a
complex parameter's step by one common modulus), cosine to zero over the epochs, batch 20, relative L2 averaged over
the batch, raw fields. With `--normalize` fields have zero mean and unit deviation a channel, as operatorctl's by
default; the loss is on the fields themselves. The wall time counts training and the evaluation at the end, not imports
and reading.
"""

import argparse
import time

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True, help="NetCDF file")
    parser.add_argument("--test", required=True, help="NetCDF file")
    parser.add_argument("--inputs", nargs="+", default=["a"], help="variables, or slices of their times: w[0:10]")
    parser.add_argument("--outputs", nargs="+", default=["u"])
    parser.add_argument("--modes", type=common.grid, default=(12, 12))
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--no-channel-mlp", action="store_true")
    parser.add_argument("--factorization", choices=["tucker", "cp", "tt"])
    parser.add_argument("--rank", type=float, default=0.05, help="of the factorization")
    parser.add_argument("--optimizer", choices=["adam", "adamw", "neuraloperator-adamw"], default="adam")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--normalize", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    options = arguments()
    common.prepare(options.threads)
    import torch
    from neuralop.losses import LpLoss
    from neuralop.models import FNO
    from neuralop.training import AdamW
    from neuralop.utils import count_model_params

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    def fields(path, names):
        return torch.from_numpy(common.netcdf_channels(path, names)).float()

    inputs, targets = fields(options.train, options.inputs), fields(options.train, options.outputs)
    test_inputs, test_targets = fields(options.test, options.inputs), fields(options.test, options.outputs)

    def statistics(values):
        if not options.normalize:
            return 0, 1
        axes = [0, *range(2, values.ndim)]
        return values.mean(axes, keepdim=True), values.std(axes, keepdim=True)

    (input_mean, input_scale), (mean, scale) = statistics(inputs), statistics(targets)

    def predict(batch):
        return model((batch - input_mean) / input_scale) * scale + mean

    model = FNO(
        n_modes=options.modes,
        in_channels=inputs.shape[1],
        out_channels=targets.shape[1],
        hidden_channels=options.width,
        n_layers=options.layers,
        use_channel_mlp=not options.no_channel_mlp,
        factorization=options.factorization,
        rank=options.rank if options.factorization else 1.0,
    )
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "neuraloperator-adamw": AdamW}
    optimizer = make[options.optimizer](
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
    relative_l2 = LpLoss(d=inputs.ndim - 1, reduction="mean")  # over channels and points

    start = time.perf_counter()
    for _ in range(options.epochs):
        for batch in torch.randperm(len(inputs)).split(options.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = relative_l2(predict(inputs[batch]), targets[batch])
            loss.backward()
            optimizer.step()
        schedule.step()
    with torch.inference_mode():
        predictions = torch.cat([predict(batch) for batch in test_inputs.split(options.batch_size)])
        error = relative_l2(predictions, test_targets).item()
    seconds = time.perf_counter() - start

    common.report(
        ["neuraloperator", "torch"],
        relative_l2=error,
        last_batch_loss=loss.item(),
        seconds=seconds,
        epochs=options.epochs,
        seed=options.seed,
        optimizer=options.optimizer,
        parameters=count_model_params(model),
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
