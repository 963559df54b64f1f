import text from "../text.json";

export const dynamic = "force-dynamic";

export default function Page() {
  return <main>{`next says ${text.text}`}</main>;
}
