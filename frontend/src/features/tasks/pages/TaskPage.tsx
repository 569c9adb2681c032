import { useIsOperator } from "@/lib/useSession";
import { MerchantTask } from "../components/MerchantTask";
import { OperatorTask } from "../components/OperatorTask";

/** One run: with everything that is known of it for operators, in plain words for everybody else. */
export function TaskPage() {
  return useIsOperator() ? <OperatorTask /> : <MerchantTask />;
}
